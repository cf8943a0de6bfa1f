/**
 * @file Texts that the tests of the language server open.
 */

/** An experiment without a finding; the folder of an editor has its base and its tables. */
export const review = `import std.adapters.lora

/// Small adapters and a new head.
experiment review {
  base bert from "base" for classify(labels: 2)
  adapt attention.{query, value} with lora(rank: 4, alpha: 4)
  train head

  data {
    train: tsv("train.tsv")
    eval: tsv("test.tsv")
    text: "text"
    label: "label"
    max_length: 48 tokens
  }
  tune {
    optimizer: adamw(lr: 2e-4)
    schedule: linear(warmup: 6%)
    epochs: 2
  }
}

/// The same for longer.
experiment longer = review { tune { epochs: 5 } }
`;

/** A method of one's own. */
export const mine = `/// Low-rank adapters with a fixed factor.
adapter halved(rank: Int >= 1 = 8, factor: Float = 0.5) on linear(in, out) {
  require rank <= in, "rank {rank} is above {in}"
  train A: [rank, in] = kaiming_uniform() as "a.weight"
  train B: [out, rank] = zeros() as "b.weight"
  delta = scaled(factor, B @ A)
}

/// A product.
/// example: scaled(2, 3) == 6
def scaled(by: Float, x) = by * x
`;

/** An experiment that imports it. */
export const user = `import "./mine.peft".{halved}

experiment with_mine {
  base bert from "base" for classify(labels: 2)
  adapt attention.query with halved(rank: 2)
  train head
  data {
    train: tsv("train.tsv")
    eval: tsv("test.tsv")
    text: "text"
    label: "label"
    max_length: 48 tokens
  }
  tune { optimizer: adamw(lr: 2e-4)  epochs: 2 }
}
`;
