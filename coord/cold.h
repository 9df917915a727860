/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cold operations (SPEC section 3): targets resolved, validated, read or written inside one frozen
 * window, replied to and logged; undo, changes, the reply log, batches that are all or nothing.
 *
 * Not responsible for parsing the command's other words, nor for printing: results are plain data.
 */
#ifndef COORD_COLD_H
#define COORD_COLD_H

#include "base/err.h"
#include "coord/value.h"

#include <stdbool.h>
#include <stdint.h>

struct coord;
struct cold;

enum target_kind {
	TARGET_TASK,
	TARGET_PERCPU,
	TARGET_SYMBOL,
	TARGET_KVA,
	TARGET_DIRECT,
	TARGET_BPF,
};

struct target {
	enum target_kind kind;
	int pid;	   /* TASK */
	uint64_t start_ns; /* TASK: expected start_time, 0: not given */
	unsigned int cpu;  /* PERCPU */
	uint64_t address;  /* KVA: virtual; DIRECT: physical (through the direct map) */
	char name[128];	   /* PERCPU, SYMBOL: the symbol */
	char field[192];   /* path after the symbol or task, may be ""; BPF: MAP.VAR or MAP[KEY],
			      as in coord/bpf.h */
};

/* `:TYPE` of an operation. */
enum width_kind { WIDTH_BTF, WIDTH_UNSIGNED, WIDTH_SIGNED, WIDTH_BYTES, WIDTH_OR_U32 };
struct width {
	enum width_kind kind;
	unsigned int bytes; /* 1, 2, 4, 8, or N of bytes:N (1..COLD_BYTES_MAX) */
};
#define COLD_BYTES_MAX 240
struct err *width_parse(const char *text, struct width *ret) __attribute__((warn_unused_result));

enum cold_flags {
	COLD_WRITE = 1 << 0,
	COLD_DRY_RUN = 1 << 1,
	COLD_HOT = 1 << 2,	   /* no freeze: one aligned load or store */
	COLD_FORCE_FIELD = 1 << 3, /* --force FIELD: a field on the refusal list */
	COLD_FORCE_L4 = 1 << 4,
	COLD_FORCE_L5 = 1 << 5,
	COLD_FORCE_L6 = 1 << 6,
	COLD_FORCE_L8 = 1 << 7,
};
/* "L4,L5" or "FIELD" to flags; refuses L1-L3 and unknown layers with the list. */
struct err *cold_force_parse(const char *text, unsigned int *flags)
	__attribute__((warn_unused_result));

struct cold_op {
	unsigned int flags;
	struct target target;
	struct width width;
	char tag[64];	 /* `as TAG`; "" for none */
	char value[512]; /* COLD_WRITE: number, enum name, hex bytes, text of a char array */
};

struct cold_reply {
	char tag[64];
	char type[64]; /* "u64", "char [16]", "enum ..." */
	bool is_write, hot, queued, dry_run;
	char note[128]; /* "queued", "hot", "waited 1.2s", "L7: policy is SCHED_NORMAL"... joined,
			   or "" */
	/* The value read, or the new one, and the old one of a write. A number (NUMBER with its BTF
	 * type, so that enums and pointers show well), a STRING (char arrays, bytes:N; cut at 255
	 * bytes) or, for structs and arrays, the OBJECT itself. `text` has the whole of it,
	 * rendered. */
	struct value value;
	struct value old;
	char text[512], old_text[512];
};

/* "task 12 scx.slice", "percpu runqueues.nr_running cpu 0": as it is typed. */
void target_format(const struct target *target, char *buffer, size_t size);

struct err *cold_create(struct coord *coord, struct cold **ret) __attribute__((warn_unused_result));
void cold_destroy(struct cold *cold);

/*
 * One operation in a window of its own (or in the surrounding one). Rejections are ERR_REFUSED with
 * "L4: on_rq is 1: ..." naming layer, field and observed value. While the kernel is not adopted,
 * lets up to 60 s of guest time pass for it (ERR_TIMEOUT; ERR_REFUSED when the guest is frozen).
 */
struct err *cold_run(struct cold *cold, const struct cold_op *op, struct cold_reply *ret)
	__attribute__((warn_unused_result));
/* All in one window. On failure the writes before are undone and the error is "entry N: REASON". */
struct err *cold_batch(struct cold *cold, const struct cold_op *ops, unsigned int count,
		       struct cold_reply *replies) __attribute__((warn_unused_result));
/* Take back the last write or batch that was not taken back yet; refused when the guest ran since.
 * Returns how many writes. */
struct err *cold_undo(struct cold *cold, unsigned int *ret) __attribute__((warn_unused_result));

/* The writes since boot, oldest first, at most the newest 65,536. Borrowed until the next write. */
struct cold_change {
	uint64_t time; /* guest ns since ready */
	char target[256];
	char type[64];
	char old_text[128], new_text[128];
	bool undone, forced;
};
const struct cold_change *cold_changes(const struct cold *cold, unsigned int *ret_count);

/* The reply log: in order, drained by `replies`; $TAG looks up the newest with that tag, drained or
 * not. It keeps the newest COLD_REPLIES_MAX; cold_replies_lost() counts those that were pushed out
 * before anyone drained them. */
#define COLD_REPLIES_MAX 65536
/* What another command has to say under a tag; copied. */
struct err *cold_add_reply(struct cold *cold, const struct cold_reply *reply)
	__attribute__((warn_unused_result));
bool cold_replies_next(struct cold *cold, struct cold_reply *ret);
uint64_t cold_replies_lost(const struct cold *cold);
bool cold_find_tag(const struct cold *cold, const char *tag, struct cold_reply *ret);

#endif
