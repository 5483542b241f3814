"""The peers in Keras 3 on TensorFlow: the recipe of the well-known lesson on text, and a better one.

In the lesson characters are numbered by frequency, titles are padded in front to the longest of their batch
of 8, both sides are one-hot, and LSTM(128) with a softmax learns by RMSprop and categorical cross-entropy.
Padding counts in the loss, as in the lesson. The better one has the same LSTM as someone who knows Keras
would train it. Import this module only if tensorflow is installed.
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
EMBEDDING_SIZE, LARGE_BATCH, LEARNING_RATE = 32, 32, 5e-3  # of Keras used well
BUCKET = 16  # lengths are rounded up to a multiple of it


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


class UsedWell:
    """The lesson's LSTM as someone who knows Keras would train it, and its data.

    An embedding in place of one-hot input, sparse targets, padding that counts nothing, Adam, batches of 32
    titles of about the same length, cut to a few lengths that are compiled once each.

    Args:
        training: Titles to learn from.
        held_out: Titles to measure on.
        seed: The seed of the weights and of the order.
    """

    def __init__(self, training: Sequence[str], held_out: Sequence[str], *, seed: int = 0) -> None:
        keras.utils.set_random_seed(seed)
        self.characters = Characters([*training, *held_out])
        self.training, self.held_out = training, held_out
        self.random = np.random.default_rng(seed)
        width = self.characters.width
        self.model = keras.Sequential(
            [
                keras.layers.Input((None,), dtype="int32"),
                keras.layers.Embedding(width, EMBEDDING_SIZE),
                keras.layers.LSTM(HIDDEN_SIZE, return_sequences=True),
                keras.layers.Dense(width),
            ]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(loss=loss, optimizer=keras.optimizers.Adam(LEARNING_RATE))

    def batch(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return inputs, targets and their weights (B, T): each title from its start to its end."""
        longest = -(-(max(map(len, texts)) + 1) // BUCKET) * BUCKET
        inputs, targets = (np.zeros((len(texts), longest), np.int32) for _ in range(2))
        weights = np.zeros((len(texts), longest), np.float32)
        for row, text in enumerate(texts):
            ids = [self.characters.index[character] for character in text]
            inputs[row, : len(ids) + 1] = [self.characters.eos, *ids]
            targets[row, : len(ids) + 1] = [*ids, self.characters.eos]
            weights[row, : len(ids) + 1] = 1
        return inputs, targets, weights

    def epoch(self) -> None:
        """Train for one epoch, on titles of a similar length side by side, in a new order."""
        lengths = np.array([len(title) for title in self.training])
        order = np.lexsort((self.random.random(len(lengths)), lengths // BUCKET))
        starts = np.arange(0, len(order), LARGE_BATCH)
        for start in self.random.permutation(starts).tolist():
            self.model.train_on_batch(
                *self.batch([self.training[i] for i in order[start : start + LARGE_BATCH]])
            )

    def bits_per_character(self) -> float:
        """Return the bits of the held-out titles' characters and ends, per character."""
        nats = 0.0
        by_length = sorted(self.held_out, key=len)
        for start in range(0, len(by_length), LARGE_BATCH):
            inputs, targets, weights = self.batch(by_length[start : start + LARGE_BATCH])
            logits = self.model.predict_on_batch(inputs).astype(np.float64)
            logits -= logits.max(axis=-1, keepdims=True)
            logprobs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
            chosen = np.take_along_axis(logprobs, targets[..., None], axis=-1)[..., 0]
            nats -= float((chosen * weights).sum())
        return nats / math.log(2) / sum(map(len, self.held_out))


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
