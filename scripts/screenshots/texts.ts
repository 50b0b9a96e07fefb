/** What is said in the pictures. */
export const longAnswer = `A **Bloom filter** answers one question about a set, quickly and in little memory: *is this element possibly in it, or certainly not?*

It is an array of \`m\` bits and \`k\` hash functions. Adding an element sets \`k\` bits; asking for one looks whether all of them are set. Bits are never cleared, so there are no false negatives, only false positives.

## How often it is wrong

After \`n\` elements the probability of a false positive is about

$$
p \\approx \\left(1 - e^{-kn/m}\\right)^{k}, \\qquad k_{\\text{best}} = \\frac{m}{n}\\ln 2
$$

| bits per element | hashes | false positives |
|---:|---:|---:|
| 8 | 6 | 2.16 % |
| 10 | 7 | 0.82 % |
| 16 | 11 | 0.046 % |

## In code

\`\`\`ts
export class BloomFilter {
  readonly #bits: Uint8Array
  constructor(readonly size: number, readonly hashes: number) {
    this.#bits = new Uint8Array(Math.ceil(size / 8))
  }
  add(text: string): void {
    for (const at of this.places(text)) this.#bits[at >> 3]! |= 1 << (at & 7)
  }
  has(text: string): boolean {
    return this.places(text).every(at => (this.#bits[at >> 3]! & (1 << (at & 7))) !== 0)
  }
}
\`\`\`

## Where it sits

\`\`\`mermaid
flowchart LR
  ask[Lookup] --> filter{Bloom filter}
  filter -- certainly not --> miss[No disk read]
  filter -- perhaps --> disk[(Disk)]
\`\`\`

Databases keep one per file on disk, and spare most reads of files that do not hold the key.[^1]

[^1]: See [Bloom's paper of 1970](https://dl.acm.org/doi/10.1145/362686.362692).
`

export const pictureAnswer = `Here is the map you asked for:

![A map of the old town](https://maps.example.org/old-town.png)

The market is in the middle; the river runs along its southern side.`
