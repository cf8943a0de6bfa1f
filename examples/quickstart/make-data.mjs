/**
 * @file Makes the example's texts and tokenizer: short invented reviews whose verdict follows from their grammar. Everything is
 * drawn from one seed, so the same files come out every time: `node examples/quickstart/make-data.mjs`.
 *
 * A clause says something of one thing with one adjective; `not` and `never` turn it round. Of two clauses joined by `but` the
 * second decides; `and` joins clauses that agree. So no single word gives the verdict away.
 *
 * texts.tsv: unlabelled reviews of films, meals and stays, which go on with what the writer did then ("i will come again").
 * films.tsv: film reviews with their verdict. train.tsv, test.tsv: reviews of meals and stays with their verdict, in which other
 * adjectives decide. A base that has read texts.tsv and learnt to judge films.tsv knows how a verdict is built, but not yet what
 * `stale` or `lovely` do to it: that is what the quickstart's adapter has to learn.
 */
import { writeFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** Mulberry32: a small generator with 32 bits of state. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const places = {
  film: {
    things: ['the plot', 'the ending', 'the music', 'the acting', 'the camera work', 'the script', 'the hero', 'the dialogue'],
    good: ['gripping', 'moving', 'clever', 'brilliant', 'funny', 'touching', 'original', 'convincing'],
    bad: ['dull', 'tedious', 'silly', 'predictable', 'clumsy', 'hollow', 'boring', 'confusing'],
  },
  meal: {
    things: ['the soup', 'the bread', 'the fish', 'the dessert', 'the wine', 'the sauce', 'the salad', 'the coffee'],
    good: ['fresh', 'clean', 'warm', 'lovely'],
    bad: ['stale', 'dirty', 'cold', 'awful'],
  },
  stay: {
    things: ['the room', 'the bed', 'the view', 'the staff', 'the pool', 'the breakfast', 'the lobby', 'the shower'],
    good: ['fresh', 'clean', 'warm', 'lovely'],
    bad: ['stale', 'dirty', 'cold', 'awful'],
  },
};
const plain = ['really', 'very', 'quite', 'truly', 'rather', 'simply'];
const turned = ['not', 'never'];
const openings = ['honestly ,', 'well ,', 'to be fair ,', 'in short ,', 'this time'];
const after = {
  good: [
    'i will come again .',
    'i told all my friends about it .',
    'we left happy .',
    'it was worth every penny .',
    'i would recommend it to anyone .',
  ],
  bad: [
    'i will not come again .',
    'i want my money back .',
    'we left early .',
    'it was a waste of time .',
    'i would warn anyone about it .',
  ],
};

function writer(random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  function clause(place, good) {
    const turn = random() < 0.2;
    const adjective = pick(good !== turn ? place.good : place.bad);
    const thing = pick(place.things);
    if (!turn) return `${thing} was ${random() < 0.6 ? `${pick(plain)} ` : ''}${adjective}`;
    return `${thing} was ${pick(turned)} ${adjective}`;
  }
  function review(good, place = pick(Object.values(places))) {
    const start = random() < 0.25 ? `${pick(openings)} ` : '';
    const form = random();
    const main = clause(place, good);
    if (form < 0.5) return `${start}${main} .`;
    if (form < 0.8) return `${start}${main} and ${clause(place, good)} .`;
    return `${start}${clause(place, !good)} , but ${main} .`;
  }
  return { pick, review };
}

/** Rows with their verdict; none whose text stands in `elsewhere`, so that what is measured was not trained on. */
function labelled(count, seed, kinds, elsewhere = '') {
  const known = new Set(elsewhere.split('\n').map((row) => row.split('\t')[0]));
  const random = generator(seed);
  const { review } = writer(random);
  const rows = [];
  while (rows.length < count) {
    const verdict = rows.length % 2;
    const text = review(verdict === 1, kinds[Math.floor(random() * kinds.length)]);
    if (!known.has(text)) rows.push(`${text}\t${verdict}`);
  }
  for (let i = rows.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
  return `text\tlabel\n${rows.join('\n')}\n`;
}

function unlabelled(count, seed) {
  const random = generator(seed);
  const { pick, review } = writer(random);
  const kinds = Object.values(places);
  const rows = [];
  for (let i = 0; i < count; i += 1) {
    const good = random() < 0.5;
    const kind = Math.floor(random() * kinds.length);
    rows.push(`${review(good, kinds[kind])} ${pick(after[good ? 'good' : 'bad'])}\t${kind}`);
  }
  return `text\ttopic\n${rows.join('\n')}\n`;
}

function tokenizer(texts) {
  const words = [...new Set(texts.flatMap((t) => t.split(/\s+/)).filter((w) => w !== ''))].sort();
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  const vocab = Object.fromEntries([...special, ...words].map((w, i) => [w, i]));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
        { Sequence: { id: 'B', type_id: 1 } },
        { SpecialToken: { id: '[SEP]', type_id: 1 } },
      ],
      special_tokens: { '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] }, '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] } },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab },
  };
}

mkdirSync(join(here, 'base'), { recursive: true });
const train = labelled(800, 1, [places.meal, places.stay]);
const test = labelled(400, 2, [places.meal, places.stay], train);
const texts = unlabelled(6000, 3);
const words = tokenizer([train, test, texts].map((t) => t.replace(/\t\d$/gm, '').replace(/^text\t\w+$/m, '')));
const size = Object.keys(words.model.vocab).length;
writeFileSync(join(here, 'train.tsv'), train);
writeFileSync(join(here, 'test.tsv'), test);
writeFileSync(join(here, 'films.tsv'), labelled(4000, 4, [places.film]));
writeFileSync(join(here, 'texts.tsv'), texts);
writeFileSync(join(here, 'base', 'tokenizer.json'), `${JSON.stringify(words, null, 1)}\n`);
writeFileSync(
  join(here, 'base', 'tokenizer_config.json'),
  `${JSON.stringify({ tokenizer_class: 'BertTokenizer', cls_token: '[CLS]', sep_token: '[SEP]', pad_token: '[PAD]', unk_token: '[UNK]', mask_token: '[MASK]', do_lower_case: true, model_max_length: 48 }, null, 1)}\n`,
);
writeFileSync(
  join(here, 'base', 'config.json'),
  `${JSON.stringify({ architectures: ['BertForMaskedLM'], model_type: 'bert', vocab_size: size, hidden_size: 64, num_hidden_layers: 3, num_attention_heads: 4, intermediate_size: 256, hidden_act: 'gelu', hidden_dropout_prob: 0, attention_probs_dropout_prob: 0, max_position_embeddings: 48, type_vocab_size: 2, layer_norm_eps: 1e-12, pad_token_id: 0, initializer_range: 0.02 }, null, 1)}\n`,
);
process.stdout.write(`${size} words; 800 training and 400 test reviews, 4000 film reviews, 6000 texts\n`);
