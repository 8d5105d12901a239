"""The tokenizer: byte-pair pieces of the words that captions are made of, in CLIP's form."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

START, END = "<|startoftext|>", "<|endoftext|>"
LENGTH = 32  # Tokens of a prompt, start and end included.
# As CLIP splits a text: contractions, words, single digits, and runs of anything else.
SPLIT = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


def learn_spelling(texts: Iterable[str], size: int) -> dict[str, Any]:
    """Learns a vocabulary of at most `size` pieces and the merges that lead to them."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    spelling = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    spelling.normalizer = normalizers.Lowercase()
    spelling.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=letters,
        end_of_word_suffix="</w>",
        special_tokens=[START, END, *(f"{letter}</w>" for letter in sorted(letters))],
        show_progress=False,
    )
    spelling.train_from_iterator(texts, trainer)
    learned: dict[str, Any] = json.loads(spelling.to_str())["model"]
    return learned


def write_tokenizer(folder: Path, learned: dict[str, Any]) -> None:
    """Writes the files that `CLIPTokenizer.from_pretrained` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = dict(sorted(learned["vocab"].items(), key=lambda item: item[1]))
    merges = [" ".join(pair) for pair in learned["merges"]]
    settings = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": LENGTH,
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": END,
    }
    _write(folder / "vocab.json", json.dumps(vocabulary, ensure_ascii=False))
    _write(folder / "merges.txt", "\n".join(["#version: 0.2", *merges]) + "\n")
    _write(folder / "tokenizer_config.json", json.dumps(settings, indent=2))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
