/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel small enough to be written by hand: RAM with page tables, vmcoreinfo, kallsyms and BTF,
 * laid out as Linux does it. Tests and fuzzers build one, change what they like, adopt it.
 *
 * Everything aborts when it fails: this is scaffolding, not what is tested.
 */
#ifndef TESTS_UNIT_COORD_IMAGE_H
#define TESTS_UNIT_COORD_IMAGE_H

#include "vmm/ram.h"

#include <bpf/btf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGE_RAM (16u << 20)
#define IMAGE_PHYS 0x400000ull /* where the kernel was loaded */
#define IMAGE_KASLR 0x6000000ull
#define IMAGE_START (0xffffffff81000000ull + IMAGE_KASLR)
#define IMAGE_SIZE 0x400000ull
#define IMAGE_NOTE 0x80000ull	 /* vmcoreinfo */
#define IMAGE_TABLES 0x100000ull /* page tables, one page after the other */
#define IMAGE_SYMBOLS_MAX 64

enum image_encoding { IMAGE_PLACE, IMAGE_BASE, IMAGE_PERCPU };

struct image_symbol {
	char name[64];
	uint64_t address;
	char kind;
};

struct image {
	struct ram ram;
	unsigned int levels;
	enum image_encoding encoding;
	uint64_t direct_map;
	uint64_t next_table; /* physical */
	uint64_t next_data;  /* virtual, in the kernel's image */
	uint64_t root;	     /* physical */
	struct image_symbol symbols[IMAGE_SYMBOLS_MAX];
	unsigned int symbol_count;
	struct btf *btf;
	char note[4096]; /* vmcoreinfo's text */
	bool no_btf, no_kallsyms;
};

static inline void image_check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "test image: %s\n", what);
	abort();
}

static inline uint64_t image_phys(uint64_t va)
{
	return va - IMAGE_START + IMAGE_PHYS;
}

/* Host pointer to an address in the kernel's image. */
static inline void *image_at(struct image *g, uint64_t va)
{
	void *at = ram_at(&g->ram, image_phys(va), 1);

	image_check(at, "address outside the image");
	return at;
}

static inline uint64_t image_alloc(struct image *g, size_t size, size_t align)
{
	uint64_t va = (g->next_data + align - 1) / align * align;

	image_check(va + size <= IMAGE_START + IMAGE_SIZE, "image is full");
	g->next_data = va + size;
	return va;
}

static inline uint64_t image_put(struct image *g, const void *data, size_t size, size_t align)
{
	uint64_t va = image_alloc(g, size, align);

	memcpy(image_at(g, va), data, size);
	return va;
}

static inline void image_put_u64(struct image *g, uint64_t va, uint64_t value)
{
	memcpy(image_at(g, va), &value, sizeof(value));
}

static inline void image_symbol(struct image *g, const char *name, uint64_t address, char kind)
{
	struct image_symbol *s = &g->symbols[g->symbol_count++];

	image_check(g->symbol_count <= IMAGE_SYMBOLS_MAX, "too many symbols");
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->address = address;
	s->kind = kind;
}

/* ---- page tables ---- */

static inline uint64_t *image_entry(struct image *g, uint64_t table, uint64_t va,
				    unsigned int level)
{
	uint64_t *entries = ram_at(&g->ram, table, 4096);

	image_check(entries, "page table outside RAM");
	return &entries[va >> (12 + 9 * level) & 511];
}

/* Map the page at `va` to `phys`; its size is 4 KiB << 9 * `level`. */
static inline void image_map(struct image *g, uint64_t va, uint64_t phys, unsigned int level)
{
	uint64_t table = g->root;

	for (unsigned int l = g->levels - 1; l > level; l--) {
		uint64_t *entry = image_entry(g, table, va, l);

		if (!*entry) {
			*entry = g->next_table | 0x63;
			g->next_table += 4096;
		}
		table = *entry & 0xffffffffff000ull;
	}
	*image_entry(g, table, va, level) = phys | 0x63 | (level ? 0x80 : 0);
}

static inline void image_unmap(struct image *g, uint64_t va)
{
	uint64_t table = g->root;

	for (unsigned int l = g->levels - 1;; l--) {
		uint64_t *entry = image_entry(g, table, va, l);

		if (l == 0 || *entry & 0x80 || !*entry) {
			*entry = 0;
			return;
		}
		table = *entry & 0xffffffffff000ull;
	}
}

/* ---- kallsyms ---- */

static inline int image_by_address(const void *a, const void *b)
{
	const struct image_symbol *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* Tokens: every printable character, and a few pieces of names below them. */
static const char *const image_pieces[] = {"",	 "init_",     "_task", "per_cpu_",
					   "__", "kallsyms_", "cpu",   "Tinit_"};
#define IMAGE_PIECES (sizeof(image_pieces) / sizeof(*image_pieces))

static inline const char *image_token(unsigned int i, char single[2])
{
	if (i < IMAGE_PIECES)
		return image_pieces[i];
	single[0] = i >= 32 && i < 127 ? (char)i : '\0';
	single[1] = '\0';
	return single;
}

static inline size_t image_compress(const char *text, uint8_t *out)
{
	size_t n = 0;

	while (*text) {
		size_t best = 1;
		uint8_t token = (uint8_t)*text;

		for (unsigned int i = 1; i < IMAGE_PIECES; i++) {
			size_t len = strlen(image_pieces[i]);

			if (len > best && strncmp(text, image_pieces[i], len) == 0) {
				best = len;
				token = (uint8_t)i;
			}
		}
		out[n++] = token;
		text += best;
	}
	return n;
}

static inline size_t image_names(const struct image *g, uint8_t *out)
{
	size_t n = 0;

	for (unsigned int i = 0; i < g->symbol_count; i++) {
		char text[80];
		size_t len;

		snprintf(text, sizeof(text), "%c%s", g->symbols[i].kind, g->symbols[i].name);
		len = image_compress(text, out + n + 1);
		image_check(len < 0x80, "name too long");
		out[n] = (uint8_t)len;
		n += 1 + len;
	}
	return n;
}

static inline int32_t image_offset(const struct image *g, unsigned int i, uint64_t offsets)
{
	uint64_t address = g->symbols[i].address;

	switch (g->encoding) {
	case IMAGE_PLACE:
		return (int32_t)(address - (offsets + 4 * i));
	case IMAGE_BASE:
		return (int32_t)(address - IMAGE_START);
	default: /* absolute when small, else below the base */
		return address < 0x80000000 ? (int32_t)address
					    : (int32_t)(IMAGE_START - 1 - address);
	}
}

static inline void image_note(struct image *g, const char *fmt, const char *name, uint64_t value)
{
	size_t len = strlen(g->note);

	snprintf(g->note + len, sizeof(g->note) - len, fmt, name, value);
}

#define IMAGE_SYMBOL_LINE "SYMBOL(%s)=%lx\n"

static inline void image_add_kallsyms(struct image *g)
{
	static uint8_t names[IMAGE_SYMBOLS_MAX * 80];
	char tokens[1024], single[2];
	uint16_t index[256];
	size_t tokens_len = 0;
	uint32_t count = g->symbol_count;
	uint64_t offsets;

	qsort(g->symbols, g->symbol_count, sizeof(*g->symbols), image_by_address);
	for (unsigned int i = 0; i < 256; i++) {
		const char *token = image_token(i, single);

		index[i] = (uint16_t)tokens_len;
		strcpy(tokens + tokens_len, token);
		tokens_len += strlen(token) + 1;
	}
	image_note(g, IMAGE_SYMBOL_LINE, "kallsyms_num_syms", image_put(g, &count, 4, 4));
	image_note(g, IMAGE_SYMBOL_LINE, "kallsyms_names",
		   image_put(g, names, image_names(g, names), 1));
	image_note(g, IMAGE_SYMBOL_LINE, "kallsyms_token_table",
		   image_put(g, tokens, tokens_len, 4));
	image_note(g, IMAGE_SYMBOL_LINE, "kallsyms_token_index",
		   image_put(g, index, sizeof(index), 4));
	offsets = image_alloc(g, 4 * count, 4);
	for (unsigned int i = 0; i < count; i++) {
		int32_t offset = image_offset(g, i, offsets);

		memcpy(image_at(g, offsets + 4 * i), &offset, 4);
	}
	image_note(g, IMAGE_SYMBOL_LINE, "kallsyms_offsets", offsets);
	if (g->encoding != IMAGE_PLACE) {
		uint64_t base = IMAGE_START;

		image_note(g, IMAGE_SYMBOL_LINE, "kallsyms_relative_base",
			   image_put(g, &base, 8, 8));
	}
}

/* ---- types ---- */

static inline int image_int(struct btf *b, const char *name, size_t size, int encoding)
{
	return btf__add_int(b, name, size, encoding);
}

/*
 * The types of the tests: the kernel's own in small, with every shape that members come in.
 *
 *	struct task_struct {
 *		unsigned int __state;                        0
 *		union { int pid; unsigned int number; };     4
 *		char comm[16];                               8
 *		struct list_head tasks;                     24
 *		struct task_struct *parent;                 40
 *		unsigned int flag : 1, small : 3;           48
 *		int negative : 4;                           48 (bit 4)
 *		enum policy policy;                         52
 *		const char *name;                           56
 *		u64 times[3];                               64
 *		struct { struct { short deep; }; };         88
 *		_Bool on;                                   90
 *		enum big big;                               96
 *		void (*handler)(struct task_struct *, int); 104
 *		struct rb_node node;                       112
 *		struct unknown *forward;                   136
 *		u64 tail[];                                144
 *	};
 */
static inline void image_add_types(struct btf *b)
{
	int u32 = image_int(b, "unsigned int", 4, 0), s32 = image_int(b, "int", 4, BTF_INT_SIGNED);
	int ulong = image_int(b, "long unsigned int", 8, 0), ch = image_int(b, "char", 1, 0);
	int sh = image_int(b, "short int", 2, BTF_INT_SIGNED), boolean, u64, list, list_ptr, rb,
	    rb_ptr;
	int task, task_ptr, char_ptr, comm, times, tail, policy, big, inner, outer, number, proto,
		handler;
	int unknown, unknown_ptr;

	image_int(b, "unsigned char", 1, 0);
	image_int(b, "long long unsigned int", 8, 0);
	boolean = image_int(b, "_Bool", 1, BTF_INT_BOOL);
	u64 = btf__add_typedef(b, "u64", ulong);
	list = btf__add_struct(b, "list_head", 16);
	list_ptr = list + 1;
	btf__add_field(b, "next", list_ptr, 0, 0);
	btf__add_field(b, "prev", list_ptr, 64, 0);
	image_check(btf__add_ptr(b, list) == list_ptr, "list_head");
	rb = btf__add_struct(b, "rb_node", 24);
	rb_ptr = rb + 1;
	btf__add_field(b, "__rb_parent_color", ulong, 0, 0);
	btf__add_field(b, "rb_right", rb_ptr, 64, 0);
	btf__add_field(b, "rb_left", rb_ptr, 128, 0);
	image_check(btf__add_ptr(b, rb) == rb_ptr, "rb_node");
	comm = btf__add_array(b, s32, ch, 16);
	times = btf__add_array(b, s32, u64, 3);
	tail = btf__add_array(b, s32, u64, 0);
	char_ptr = btf__add_ptr(b, btf__add_const(b, ch));
	policy = btf__add_enum(b, "policy", 4);
	btf__add_enum_value(b, "POLICY_NORMAL", 0);
	btf__add_enum_value(b, "POLICY_EXT", 7);
	big = btf__add_enum64(b, "big", 8, false);
	btf__add_enum64_value(b, "BIG_LOCAL", 0x8000000000000002ull);
	number = btf__add_union(b, NULL, 4);
	btf__add_field(b, "pid", s32, 0, 0);
	btf__add_field(b, "number", u32, 0, 0);
	inner = btf__add_struct(b, NULL, 2);
	btf__add_field(b, "deep", sh, 0, 0);
	outer = btf__add_struct(b, NULL, 2);
	btf__add_field(b, NULL, inner, 0, 0);
	unknown = btf__add_fwd(b, "unknown", BTF_FWD_STRUCT);
	unknown_ptr = btf__add_ptr(b, unknown);
	/* The struct comes four types after these: its pointer, the prototype, and the handler's
	 * pointer. */
	task_ptr = (int)btf__type_cnt(b);
	task = task_ptr + 3;
	btf__add_ptr(b, task);
	proto = btf__add_func_proto(b, 0);
	btf__add_func_param(b, "task", task_ptr);
	btf__add_func_param(b, "sig", s32);
	handler = btf__add_ptr(b, proto);
	image_check(btf__add_struct(b, "task_struct", 144) == task, "task_struct");
	btf__add_field(b, "__state", u32, 0, 0);
	btf__add_field(b, NULL, number, 32, 0);
	btf__add_field(b, "comm", comm, 64, 0);
	btf__add_field(b, "tasks", list, 24 * 8, 0);
	btf__add_field(b, "parent", task_ptr, 40 * 8, 0);
	btf__add_field(b, "flag", u32, 48 * 8, 1);
	btf__add_field(b, "small", u32, 48 * 8 + 1, 3);
	btf__add_field(b, "negative", s32, 48 * 8 + 4, 4);
	btf__add_field(b, "policy", policy, 52 * 8, 0);
	btf__add_field(b, "name", char_ptr, 56 * 8, 0);
	btf__add_field(b, "times", times, 64 * 8, 0);
	btf__add_field(b, NULL, outer, 88 * 8, 0);
	btf__add_field(b, "on", boolean, 90 * 8, 0);
	btf__add_field(b, "big", big, 96 * 8, 0);
	btf__add_field(b, "handler", handler, 104 * 8, 0);
	btf__add_field(b, "node", rb, 112 * 8, 0);
	btf__add_field(b, "forward", unknown_ptr, 136 * 8, 0);
	btf__add_field(b, "tail", tail, 144 * 8, 0);
	btf__add_var(b, "percpu_task", BTF_VAR_GLOBAL_ALLOCATED, task_ptr);
	btf__add_func(b, "wake_up", BTF_FUNC_GLOBAL, proto);
}

static inline void image_add_xarray_types(struct btf *b)
{
	int byte = image_int(b, "xa_byte", 1, 0), u32 = image_int(b, "xa_u32", 4, 0);
	int ptr = btf__add_ptr(b, 0), slots = btf__add_array(b, u32, ptr, 64);
	int xarray, buckets = btf__add_array(b, u32, ptr, 0);

	btf__add_struct(b, "xa_node", 24 + 64 * 8);
	btf__add_field(b, "shift", byte, 0, 0);
	btf__add_field(b, "slots", slots, 24 * 8, 0);
	xarray = btf__add_struct(b, "xarray", 16);
	btf__add_field(b, "xa_head", ptr, 64, 0);
	btf__add_struct(b, "idr", 24);
	btf__add_field(b, "idr_rt", xarray, 0, 0);
	btf__add_field(b, "idr_base", u32, 128, 0);
	btf__add_struct(b, "rhashtable", 8);
	btf__add_field(b, "tbl", ptr, 0, 0);
	btf__add_struct(b, "bucket_table", 16);
	btf__add_field(b, "size", u32, 0, 0);
	btf__add_field(b, "nest", u32, 32, 0);
	btf__add_field(b, "future_tbl", ptr, 64, 0);
	btf__add_field(b, "buckets", buckets, 128, 0);
}

/* ---- all of it ---- */

static inline void image_init(struct image *g, unsigned int levels, enum image_encoding encoding)
{
	memset(g, 0, sizeof(*g));
	g->levels = levels;
	g->encoding = encoding;
	g->direct_map = levels == 5 ? 0xff11000000000000ull : 0xffff888000000000ull;
	g->next_table = IMAGE_TABLES;
	g->next_data = IMAGE_START;
	image_check(!ram_create(IMAGE_RAM, &g->ram), "RAM");
	g->root = g->next_table;
	g->next_table += 4096;
	for (uint64_t at = 0; at < IMAGE_SIZE; at += 2 << 20)
		image_map(g, IMAGE_START + at, IMAGE_PHYS + at, 1);
	for (uint64_t at = 0; at < IMAGE_RAM; at += 2 << 20)
		image_map(g, g->direct_map + at, at, 1);
	g->btf = btf__new_empty();
	image_check(g->btf, "BTF");
	image_add_types(g->btf);
	image_add_xarray_types(g->btf);
}

static inline void image_deinit(struct image *g)
{
	btf__free(g->btf);
	ram_deinit(&g->ram);
}

static inline void image_write_note(struct image *g, uint64_t phys)
{
	uint32_t head[3] = {11, (uint32_t)strlen(g->note), 0};
	char *at = ram_at(&g->ram, phys, 4096 + 24);

	image_check(at, "note");
	memcpy(at, head, sizeof(head));
	memcpy(at + 12, "VMCOREINFO\0", 12);
	memcpy(at + 24, g->note, strlen(g->note));
}

#define IMAGE_RELEASE "7.0.0-test"

static inline void image_add_variables(struct image *g)
{
	char uts[6 * 65] = "";
	uint32_t cpus = 2;
	uint64_t offsets[2] = {0x1000, 0x2000}, uts_at, base = g->direct_map, online = 1;

	strcpy(uts + 2 * 65, IMAGE_RELEASE);
	uts_at = image_put(g, uts, sizeof(uts), 8);
	image_note(g, IMAGE_SYMBOL_LINE, "init_uts_ns", uts_at);
	image_symbol(g, "init_uts_ns", uts_at, 'D');
	image_symbol(g, "nr_cpu_ids", image_put(g, &cpus, 4, 4), 'D');
	image_symbol(g, "__per_cpu_offset", image_put(g, offsets, sizeof(offsets), 8), 'D');
	image_symbol(g, "page_offset_base", image_put(g, &base, 8, 8), 'D');
	image_symbol(g, "__cpu_online_mask", image_put(g, &online, 8, 8), 'D');
	image_symbol(g, "init_task", image_alloc(g, 256, 64), 'D');
	if (g->encoding == IMAGE_PERCPU)
		image_symbol(g, "percpu_task", 0x40, 'A');
	else
		image_symbol(g, "percpu_task", image_alloc(g, 64, 64), 'D');
}

static inline void image_add_btf(struct image *g)
{
	uint32_t len;
	const void *raw = btf__raw_data(g->btf, &len);
	uint64_t at = image_put(g, raw, len, 4);

	image_symbol(g, "__start_BTF", at, 'R');
	image_symbol(g, "__stop_BTF", at + len, 'R');
}

/* Writes everything to RAM. What a test adds itself comes between image_init() and this. */
static inline void image_finish(struct image *g)
{
	char body[4096];

	image_symbol(g, "_text", IMAGE_START, 'T');
	image_symbol(g, "_stext", IMAGE_START, 'T');
	image_alloc(g, 64, 1); /* some code */
	image_add_variables(g);
	if (!g->no_btf)
		image_add_btf(g);
	image_symbol(g, "_end", IMAGE_START + IMAGE_SIZE, 'B');
	if (!g->no_kallsyms)
		image_add_kallsyms(g);
	strcpy(body, g->note);
	snprintf(g->note, sizeof(g->note),
		 "OSRELEASE=%s\nBUILD-ID=0123456789abcdef0123456789abcdef01234567\n"
		 "SYMBOL(swapper_pg_dir)=%lx\nSYMBOL(_stext)=%lx\nNUMBER(phys_base)=%ld\n"
		 "NUMBER(pgtable_l5_enabled)=%d\nOFFSET(uts_namespace.name)=0\nKERNELOFFSET=%lx\n",
		 IMAGE_RELEASE, (unsigned long)(g->root - IMAGE_PHYS + IMAGE_START),
		 (unsigned long)IMAGE_START,
		 (long)(IMAGE_PHYS - (IMAGE_START - 0xffffffff80000000ull)), g->levels == 5,
		 (unsigned long)IMAGE_KASLR);
	strcat(g->note, body);
	image_write_note(g, IMAGE_NOTE);
}

#endif
