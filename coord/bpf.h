/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF maps and programs of the guest, found in its memory alone: the kernel's map_idr and
 * prog_idr, and the values of a map through the map's own BTF. One level below `bpf` and below the
 * cold operations on a map's variables.
 *
 * Maps that can be opened: arrays (with .bss, .data and .rodata, which are arrays of one value),
 * per-CPU arrays, hashes, LRU hashes, both also per CPU, and struct_ops. Everything here holds for
 * one window. Guest memory is hostile: walks and sizes are bounded. Threads: one at a time.
 */
#ifndef COORD_BPF_H
#define COORD_BPF_H

#include "base/err.h"
#include "base/str.h"
#include "coord/kernel.h"
#include "coord/model.h"
#include "coord/path.h"
#include "coord/types.h"
#include "coord/walk.h"

#include <stdbool.h>
#include <stdint.h>

#define BPF_NAME 17 /* BPF_OBJ_NAME_LEN and a NUL whatever the guest wrote */

/* enum bpf_map_type of include/uapi/linux/bpf.h, those that can be opened. */
enum bpf_map_kind {
	BPF_KIND_HASH = 1,
	BPF_KIND_ARRAY = 2,
	BPF_KIND_PERCPU_HASH = 5,
	BPF_KIND_PERCPU_ARRAY = 6,
	BPF_KIND_LRU_HASH = 9,
	BPF_KIND_LRU_PERCPU_HASH = 10,
	BPF_KIND_STRUCT_OPS = 26,
};
/* Bits of map_flags. */
enum bpf_map_bits {
	BPF_BIT_NO_PREALLOC = 1 << 0,
	BPF_BIT_RDONLY_PROG = 1 << 7, /* .rodata: the verifier has built the values into the code */
	BPF_BIT_MMAPABLE = 1 << 10,
};

struct bpf_map {
	uint64_t address; /* of struct bpf_map */
	uint32_t id, kind;
	char name[BPF_NAME]; /* raw */
	char type[40];	     /* "array", "percpu_hash": the kernel's name for `kind` */
	uint32_t key_size, value_size, max_entries, flags;
	struct maybe entries; /* that a hash holds now, where the kernel counts them */
	struct maybe
		memory; /* bytes of the map and its elements, where they are all made at once */
	uint64_t btf;	/* address of struct btf, 0: the map has none */
	uint32_t key_type, value_type; /* ids in that BTF, 0: not known */
	uint32_t kernel_value_type;    /* of struct_ops: id in the kernel's BTF */
};

struct bpf_program {
	uint64_t address; /* of struct bpf_prog */
	uint32_t id;
	char name[BPF_NAME];
	char type[40]; /* "struct_ops" */
	uint64_t code; /* address of the machine code, of the interpreter when it is not jited */
	bool jited;
	uint32_t code_len; /* bytes of machine code, 0 when there is none */
	uint32_t insns;	   /* BPF instructions after verification */
	uint32_t maps;	   /* maps that it uses */
};

/* What a list does not hold is told in `damage`, "" when it is complete. */
struct bpf_list {
	struct bpf_map *maps; /* by id */
	struct bpf_program *programs;
	unsigned int map_count, program_count;
	char damage[160];
};
/* ERR_ABSENT: a kernel without BPF. */
struct err *bpf_list(struct kernel *k, struct bpf_list *ret) __attribute__((warn_unused_result));
void bpf_list_deinit(struct bpf_list *list);

/*
 * The map called `name`: its id, its full name, or the end of it from a dot on (".bss" or "bss"
 * finds "vtime_bp.bss"). ERR_NOT_FOUND offers near names; ERR_USAGE: several, with their ids.
 */
struct err *bpf_find_map(const struct bpf_list *list, const char *name, const struct bpf_map **ret)
	__attribute__((warn_unused_result));

/* ---- the contents of one map ---- */

struct bpf_open;

/* ERR_REFUSED: a kind of map that cannot be shown; ERR_BAD_DATA: its BTF or its sizes are
 * impossible; ERR_ABSENT: this kernel's types do not describe it. Borrows `k`. */
struct err *bpf_open(struct kernel *k, const struct bpf_map *map, struct bpf_open **ret)
	__attribute__((warn_unused_result));
void bpf_close(struct bpf_open *open); /* NULL is fine */

const struct bpf_map *bpf_open_map(const struct bpf_open *open);
/* The kernel as the map's types have it: for values, formatting and paths inside the map. */
struct kernel *bpf_open_kernel(const struct bpf_open *open);
/* Types of a key and of a value there; 0: not known, bytes. */
uint32_t bpf_open_key_type(const struct bpf_open *open);
uint32_t bpf_open_value_type(const struct bpf_open *open);
/* Whether the one value is a section of variables: .bss and such. */
bool bpf_open_is_section(const struct bpf_open *open);
bool bpf_open_is_percpu(const struct bpf_open *open);
bool bpf_open_is_array(const struct bpf_open *open); /* keys are 0 to max_entries - 1 */

struct bpf_element {
	uint64_t index;	  /* of arrays; of hashes the key's first 8 bytes as a number */
	uint64_t key;	  /* address of the key; 0 in arrays, whose keys lie nowhere */
	unsigned int cpu; /* of per-CPU maps: an element comes once for each CPU */
	uint64_t value;	  /* address */
};
typedef bool (*bpf_element_fn)(void *context, const struct bpf_element *element);
/* Every element, arrays in order, hashes in none; `limit` of them. */
struct walk bpf_each(struct bpf_open *open, unsigned int limit, bpf_element_fn visit,
		     void *context);

/* The i-th variable of a section and its address; false past the end. */
bool bpf_variable_at(const struct bpf_open *open, unsigned int i, struct section_variable *ret,
		     uint64_t *ret_address);

/*
 * MAP, MAP.VAR, MAP[KEY], and fields and indexes after them: "bss.nr_direct", "stats[3].count". In
 * a per-CPU map the next index is the CPU: "hits[0][2]". *ret_path is what follows MAP, in `text`.
 * Errors of bpf_find_map().
 */
struct err *bpf_split(const struct bpf_list *list, const char *text, const struct bpf_map **ret,
		      const char **ret_path) __attribute__((warn_unused_result));
/* The place of such a path. A KEY is an integer. ERR_NOT_FOUND: no such variable (with near names),
 * key or CPU; else the errors of path_resolve(). */
struct err *bpf_place(struct bpf_open *open, const char *path, struct place *ret)
	__attribute__((warn_unused_result));

#endif
