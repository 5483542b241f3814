"""The peer in Keras 3 on TensorFlow: the recipe of the well-known lesson on text generation.

Characters are numbered by frequency, titles are padded in front to the longest of their batch of 8, both
sides are one-hot, and LSTM(128) with a softmax learns by RMSprop and categorical cross-entropy. Padding
counts in the loss, as in the lesson. Import this module only if tensorflow is installed.
"""

import math
import os
from collections import Counter
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

BATCH_SIZE = 8
HIDDEN_SIZE = 128


class Characters:
    """Numbers of characters as in the Keras tokenizer: from 1, the most frequent first; 0 is padding.

    Args:
        texts: All texts that will be encoded.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        counts = Counter(character for text in texts for character in text)  # ties: first appearance
        self.index = {symbol: rank for rank, (symbol, _) in enumerate(counts.most_common(), start=1)}
        self.eos = len(self.index) + 2
        self.width = len(self.index) + 3  # as in the lesson: one row more than is used

    def padded(self, texts: Sequence[str], *, lead: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Return a batch of inputs and targets (B, T), padded in front; the last target is the end."""
        longest = max(map(len, texts)) + lead
        ids = np.zeros((len(texts), longest), np.int32)
        for row, text in zip(ids, texts, strict=True):
            row[longest - len(text) :] = [self.index[character] for character in text]
        ends = np.full((len(texts), 1), self.eos, np.int32)
        return ids, np.concatenate([ids[:, 1:], ends], axis=1)


class Lesson:
    """The lesson's model and its data.

    Args:
        training: Titles to learn from.
        held_out: Titles to measure on.
        seed: The seed of the weights; the titles keep their order, as in the lesson.
    """

    def __init__(self, training: Sequence[str], held_out: Sequence[str], *, seed: int = 0) -> None:
        keras.utils.set_random_seed(seed)
        self.characters = Characters([*training, *held_out])
        self.held_out = held_out
        width = self.characters.width
        self.model = keras.Sequential(
            [
                keras.layers.Input((None, width)),
                keras.layers.LSTM(HIDDEN_SIZE, return_sequences=True),
                keras.layers.Dense(width, activation="softmax"),
            ]
        )
        self.model.compile(loss="categorical_crossentropy", optimizer="rmsprop")
        self.data = tf.data.Dataset.from_tensor_slices(list(training)).batch(BATCH_SIZE).map(self._one_hot)

    def _one_hot(self, titles: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def encode(batch: tf.Tensor) -> tuple[np.ndarray, np.ndarray]:
            return self.characters.padded([title.decode("utf-8") for title in batch.numpy()])

        inputs, targets = tf.py_function(encode, [titles], [tf.int32, tf.int32])
        inputs.set_shape((None, None))
        targets.set_shape((None, None))
        return tf.one_hot(inputs, self.characters.width), tf.one_hot(targets, self.characters.width)

    @property
    def parameters(self) -> int:
        """Return the number of the model's parameters."""
        return int(self.model.count_params())

    def epoch(self) -> None:
        """Train for one epoch."""
        self.model.fit(self.data, epochs=1, verbose=0, shuffle=False)

    def bits_per_character(self) -> float:
        """Return the bits of the held-out titles' characters and ends, per character.

        Every title has at least one padding in front, so that its first character is predicted too; padding
        is not counted.
        """
        nats = 0.0
        for start in range(0, len(self.held_out), BATCH_SIZE):
            texts = self.held_out[start : start + BATCH_SIZE]
            inputs, targets = self.characters.padded(texts, lead=1)
            probabilities = self.model.predict_on_batch(tf.one_hot(inputs, self.characters.width))
            chosen = np.take_along_axis(probabilities, targets[..., None], axis=-1)[..., 0]  # (B, T)
            nats -= float(np.log(np.maximum(chosen, 1e-30))[targets != 0].sum())
        return nats / math.log(2) / sum(map(len, self.held_out))

    def generate(self, prompt: str, count: int) -> str:
        """Write `count` characters as in the lesson: the whole text is read again for each of them."""
        symbols = dict(zip(self.characters.index.values(), self.characters.index, strict=True))
        text = prompt
        for _ in range(count):
            ids = [self.characters.index[character] for character in text]
            inputs = tf.expand_dims(tf.one_hot(ids, self.characters.width), 0)
            probabilities = self.model(inputs).numpy()[0, -1]
            text += symbols.get(int(np.argmax(probabilities)), " ")
        return text[len(prompt) :]
