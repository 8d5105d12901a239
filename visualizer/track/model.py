"""A song on disk that has been read once from end to end.

Conventions: sound is float32, shape (n, channels), one or two channels, nominally in [-1, 1].
Second 0 is the first sample a player lets you hear: the silence that MP3, AAC and Opus encoders
put in front is gone. What cannot be known to be such silence (a raw ADTS stream, an MP3 without a
LAME header) stays, here and in the film alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from visualizer.errors import VisualizerError
from visualizer.track import decode
from visualizer.track.decode import Sound
from visualizer.track.stream import Stream


@dataclass(frozen=True)
class Track:
    """The song.

    Attributes:
        path: The file.
        duration: Seconds: decoded samples / sample_rate.
        sample_rate: Of the file, in Hz.
        channels: Of the file; `blocks` gives two where there are more.
        codec: Such as "mp3", "aac", "vorbis", "opus", "flac" or "pcm".
        tags: What is known of title, artist, album, genre and year.
        artwork: Bytes of the picture in the file (JPEG, PNG), or None.
        fingerprint: SHA-256 of the file's content, in hex.
        warnings: One line for each thing the user should know.
        layout: Arrangement of the channels in ffmpeg's words, such as "stereo" or "5.1".
        decoder: The library that reads it: "ffmpeg" or "soundfile".
        copyable: Whether an MP4 file can take its packets as they are and stay exact.
    """

    path: Path
    duration: float
    sample_rate: int
    channels: int
    codec: str
    tags: Mapping[str, str]
    artwork: bytes | None = field(repr=False)
    fingerprint: str
    warnings: tuple[str, ...] = ()
    layout: str = "stereo"
    decoder: str = "ffmpeg"
    copyable: bool = False

    def blocks(
        self,
        sample_rate: int = 44100,
        seconds: float = 10.0,
        start: float = 0.0,
        duration: float | None = None,
    ) -> Iterator[Sound]:
        """Streams the sound; the whole song is never in memory.

        Args:
            sample_rate: Hz of the blocks; the song is resampled where it differs.
            seconds: Length of a block; the last one may be shorter.
            start: Second of the song where the first block begins.
            duration: Seconds to give; to the end of the song when omitted.

        Yields:
            float32, shape (n, 1) for mono or (n, 2).

        Raises:
            VisualizerError: The file has gone since it was loaded.
        """
        if not self.path.is_file():
            raise VisualizerError(f"{self.path}: has gone since it was loaded; put it back")
        stream = Stream(self.codec, self.sample_rate, self.channels, self.layout, self.decoder)
        first = round(start * self.sample_rate)
        last = None if duration is None else first + round(duration * self.sample_rate)
        sound = decode.excerpt(decode.decoded(self.path, stream), first, last)
        sound = decode.resampled(sound, self.sample_rate, sample_rate)
        yield from decode.regrouped(sound, max(1, round(seconds * sample_rate)))
