"""Power spectra of a track on one frame grid, block by block.

Conventions: frame i is centred on second i / RATE, so nothing here is early or late. Power is the
mean of the channels' powers, so sides that would cancel in a mono mix are heard. Only features
are kept: memory grows by about half a kilobyte per frame, and never with the samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft
import scipy.signal
from librosa.core.convert import hz_to_midi, mel_frequencies
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from visualizer.stopwatch import each
from visualizer.track import Track

SAMPLE_RATE = 44100
RATE = 100
HOP = SAMPLE_RATE // RATE
MEL_SIZE, SHARP_SIZE, TONAL_SIZE = 2048, 1024, 8192
MEL_BANDS, SHARP_BANDS = 72, 24
TONAL_STEP = 5  # Chroma moves slowly: every fifth frame is enough.
LOWEST_HZ, HIGHEST_HZ = 27.5, 16000.0
EDGE = TONAL_SIZE // 2

Floats = NDArray[np.float32]
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Spectra:
    """What the rest of the analysis listens to.

    Attributes:
        mel: Power per mel band (2048-sample windows), shape (n, MEL_BANDS); 1 is a full-scale sine.
        sharp: The same with 1024-sample windows for timing, shape (n, SHARP_BANDS).
        chroma: Power per pitch class (8192-sample windows), shape (n, 12).
        loudness: Power weighted like BS.1770, shape (n,).
        centroid: Centre of the amplitude spectrum in Hz, shape (n,).
    """

    mel: Floats
    sharp: Floats
    chroma: Floats
    loudness: Floats
    centroid: Floats


def measure_spectra(track: Track, on_progress: Progress | None = None) -> Spectra:
    """Reads the whole track once and keeps its spectra.

    Args:
        track: The song.
        on_progress: Called with the share of the song that has been read, in [0, 1].
    """
    total = max(1.0, track.duration * SAMPLE_RATE)
    parts: list[Spectra] = []
    pending, read, done = _silence(EDGE, 1), 0, 0
    for block in each("decoding", track.blocks(sample_rate=SAMPLE_RATE)):
        pending = np.concatenate([_match(pending, block), block])
        read += len(block)
        ready = max(0, (len(pending) - 2 * EDGE) // (HOP * TONAL_STEP)) * TONAL_STEP
        if ready:
            parts.append(_measure(pending, ready))
            pending, done = pending[ready * HOP :], done + ready
        if on_progress:
            on_progress(min(1.0, read / total))
    left = read // HOP + 1 - done
    tail = _silence(2 * EDGE + HOP * (left + TONAL_STEP), pending.shape[1])
    parts.append(_measure(np.concatenate([pending, tail]), left))
    return _join(parts)


def measure_sound(samples: Floats) -> Spectra:
    """Spectra of sound that is in memory whole.

    Args:
        samples: Shape (n, channels), at SAMPLE_RATE.
    """
    return _measure(np.pad(samples, ((EDGE, EDGE + HOP), (0, 0))), len(samples) // HOP + 1)


def _measure(samples: Floats, frames: int) -> Spectra:
    """Spectra of frames centred on sample EDGE, EDGE + HOP, ..."""
    power = _power(samples, MEL_SIZE, HOP, frames)
    tonal = _power(samples, TONAL_SIZE, HOP * TONAL_STEP, -(-frames // TONAL_STEP))
    amplitude = np.sqrt(power)
    frequency = scipy.fft.rfftfreq(MEL_SIZE, 1 / SAMPLE_RATE).astype(np.float32)
    return Spectra(
        mel=power @ _mel_weights(MEL_SIZE, MEL_BANDS),
        sharp=_power(samples, SHARP_SIZE, HOP, frames) @ _mel_weights(SHARP_SIZE, SHARP_BANDS),
        chroma=np.repeat(tonal @ _chroma_weights(), TONAL_STEP, axis=0)[:frames],
        loudness=power @ _hearing_weights(),
        centroid=amplitude @ frequency / np.maximum(amplitude.sum(axis=1), 1e-9),
    )


def _power(samples: Floats, size: int, hop: int, frames: int) -> Floats:
    """Mean power spectrum of the channels, shape (frames, size // 2 + 1)."""
    window = scipy.signal.get_window("hann", size).astype(np.float32)
    first = EDGE - size // 2
    power = np.zeros((frames, size // 2 + 1), np.float32)
    for channel in samples.T:
        framed = sliding_window_view(channel[first:], size)[: frames * hop : hop]
        spectrum = scipy.fft.rfft(framed * (window * (2.0 / window.sum())), axis=1)
        power += spectrum.real**2 + spectrum.imag**2
    return np.asarray(power / samples.shape[1], np.float32)


@cache
def _mel_weights(size: int, bands: int) -> Floats:
    """Triangular mel filters of unit peak, shape (bins, bands).

    Written out because importing `librosa.filters` compiles a dozen numba functions: 12 seconds on
    the first run after an installation.
    """
    edges = mel_frequencies(n_mels=bands + 2, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, htk=True)
    edges *= size / SAMPLE_RATE
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    low, high = np.minimum(low, centre - 1.0), np.maximum(high, centre + 1.0)
    bins = np.arange(size // 2 + 1)[:, None]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)), np.float32)


def mel_centres(bands: int) -> Floats:
    """Centre frequencies of the mel bands in Hz, shape (bands,)."""
    centres = mel_frequencies(n_mels=bands + 2, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, htk=True)[1:-1]
    return np.asarray(centres, np.float32)


@cache
def _chroma_weights() -> Floats:
    """Share of each pitch class in each bin, bass and middle register, shape (bins, 12)."""
    frequency = scipy.fft.rfftfreq(TONAL_SIZE, 1 / SAMPLE_RATE)[1:]
    pitch = np.concatenate([[0.0], hz_to_midi(frequency)])[:, None]
    away = (pitch - np.arange(12) + 6) % 12 - 6
    register = np.exp(-0.5 * ((pitch - 60) / 14) ** 2)
    return (np.exp(-0.5 * (away / 0.35) ** 2) * register).astype(np.float32)


@cache
def _hearing_weights() -> Floats:
    """Power response of the K-weighting of ITU-R BS.1770-4, tables 1 and 2."""
    shelf = (
        [1.53512485958697, -2.69169618940638, 1.19839281085285],
        [1.0, -1.69065929318241, 0.73248077421585],
    )
    highpass = ([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621])
    frequency = scipy.fft.rfftfreq(MEL_SIZE, 1 / SAMPLE_RATE)
    response = [
        scipy.signal.freqz(*stage, worN=frequency, fs=48000)[1] for stage in (shelf, highpass)
    ]
    return np.asarray(np.abs(response[0] * response[1]) ** 2, np.float32)


def _silence(samples: int, channels: int) -> Floats:
    return np.zeros((samples, channels), np.float32)


def _match(pending: Floats, block: Floats) -> Floats:
    """Gives the leading silence as many channels as the sound has."""
    return np.broadcast_to(pending, (len(pending), block.shape[1]))


def _join(parts: list[Spectra]) -> Spectra:
    names = Spectra.__dataclass_fields__
    return Spectra(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})
