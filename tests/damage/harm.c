// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/damage/harm.h"

#include <string.h>

#define PAGE 4096u

uint64_t chance_next(struct chance *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

unsigned int chance_of(struct chance *c, unsigned int n)
{
	return n ? (unsigned int)(chance_next(c) % n) : 0;
}

static uint64_t pick(const struct places *p, struct chance *c)
{
	return 8ull * p->words[chance_of(c, p->count)];
}

/* A word near a random address: what lies alone, such as a variable or a small table, is met as
 * often as what lies among thousands. */
static uint64_t pick_apart(const struct places *p, struct chance *c)
{
	uint64_t at = chance_next(c) % (8ull * p->words[p->count - 1] + 8) / 8;
	unsigned int low = 0, high = p->count - 1;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (p->words[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	low += chance_of(c, 256);
	return 8ull * p->words[low < p->count ? low : p->count - 1];
}

static uint64_t odd_number(struct chance *c)
{
	static const uint64_t numbers[] = {
		0,
		1,
		2,
		7,
		0xff,
		0xffff,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		0x100000000,
		0x7fffffffffffffff,
		0x8000000000000000,
		~0ull,
		~0ull - 7,
		0x1000,
		0x00007ffffffff000,
		0x0000800000000000,
		0xffff800000000000,
		0xffff888000000000,
		0xffffffff81000000,
		0xffffffff80000000,
		0xfffffffffffff000,
		0xffffea0000000000,
		0xdead000000000100, /* LIST_POISON1 */
		0xdead000000000122,
		0x6b6b6b6b6b6b6b6b, /* POISON_FREE */
		0x5a5a5a5a5a5a5a5a,
	};

	return numbers[chance_of(c, sizeof(numbers) / sizeof(*numbers))];
}

/* Another value for the word at `at`, which is `old`. */
static uint64_t wrong_word(const struct memory *m, const struct places *p, uint64_t direct_map,
			   uint64_t at, uint64_t old, struct chance *c)
{
	switch (chance_of(c, 11)) {
	case 0:
	case 1:
		return old ^ 1ull << chance_of(c, 64);
	case 2:
		return old ^ (1ull << chance_of(c, 64) | 1ull << chance_of(c, 64) |
			      1ull << chance_of(c, 64));
	case 3:
		return chance_next(c);
	case 4:
		return odd_number(c);
	case 5: /* what another word of this walk holds */
	case 6:
		return memory_word(m, pick(p, c));
	case 7: /* a neighbour, or into the middle of the same object */
		return old + 8ull * chance_of(c, 64) - 256;
	case 8: /* another object */
		return direct_map + pick(p, c);
	case 9: /* itself, or the object that it is in */
		return direct_map + at - 8ull * chance_of(c, 16) * chance_of(c, 2);
	default: /* half of it: a count, a length, an id */
		return chance_of(c, 2) ? (old & 0xffffffff) | odd_number(c) << 32
				       : (old & ~0xffffffffull) | (odd_number(c) & 0xffffffff);
	}
}

/* Freed memory, or memory that now is something else. */
static void wrong_bytes(struct memory *m, const struct places *p, uint64_t at, struct chance *c)
{
	static const uint8_t fills[] = {0, 0x6b, 0xff, 0xcc};
	uint64_t len = 64ull << chance_of(c, 7), from = pick(p, c);
	uint8_t bytes[PAGE];

	at -= at % len;
	from -= from % len;
	if (chance_of(c, 2))
		memset(bytes, fills[chance_of(c, sizeof(fills))], len);
	else
		memcpy(bytes, m->ram.base + from, len);
	memory_change(m, at, bytes, len);
}

static void swap(struct memory *m, uint64_t a, uint64_t b)
{
	uint64_t x = memory_word(m, a), y = memory_word(m, b);

	memory_change(m, a, &y, sizeof(y));
	memory_change(m, b, &x, sizeof(x));
}

void harm(struct memory *m, const struct target *t, uint64_t direct_map, struct chance *c)
{
	const struct places *p = t->tables.count && !chance_of(c, 10) ? &t->tables : &t->all;
	uint64_t at, word;

	if (!p->count)
		return;
	at = chance_of(c, 2) ? pick(p, c) : pick_apart(p, c);
	if (!chance_of(c, 16)) {
		wrong_bytes(m, p, at, c);
	} else if (!chance_of(c, 16)) {
		swap(m, at, pick(p, c));
	} else {
		word = wrong_word(m, p, direct_map, at, memory_word(m, at), c);
		memory_change(m, at, &word, sizeof(word));
	}
}
