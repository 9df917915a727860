/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The folders of saved machines: machines/KEY/ below the cache folder, with the files `machine` (the
 * facts of vmm/saved.h), `state`, `ram`, `summary` and, where the boot wrote any, the text of the
 * `console`.
 *
 * An entry is published by renaming a whole folder, so that a reader sees all of it or nothing and two
 * ktdbg that publish the same one do no harm: the first wins. A reader holds its files open; removing
 * an entry under it does no harm either. The total is kept below STORE_MAX, least recently used first.
 */
#ifndef VMM_STORE_H
#define VMM_STORE_H

#include "vmm/saved.h"

#define STORE_KEY 33 /* 32 hexadecimal digits and NUL */
#define STORE_MAX (UINT64_C(2) << 30)

/* Open an entry. ERR_NOT_FOUND; ERR_BAD_DATA when its description is damaged. */
struct err *store_open(const char *key, struct saved *s) __attribute__((warn_unused_result));
void store_touch(const char *key); /* it was used now */
void store_remove(const char *key);

/*
 * Build an entry once: waits while another process holds the lock of `key`, honours interrupted().
 * Without a usable folder it succeeds without a lock.
 */
struct err *store_lock(const char *key, int *ret) __attribute__((warn_unused_result));
void store_unlock(const char *key, int *lock);

/* An entry that is being made, in a folder of its own. */
struct store_draft {
	char *path; /* NULL once it is published */
	int folder;
	int ram_fd;
};
struct err *store_begin(struct store_draft *d) __attribute__((warn_unused_result));
/* The same in another folder: `template` as of mkdtemp(), is taken, on failure too. */
struct err *store_begin_at(char *template, struct store_draft *d)
	__attribute__((warn_unused_result));
/* Adds the state and the description, renames, prunes the others. */
struct err *store_publish(struct store_draft *d, const char *key, const struct saved *s,
			  const char *summary) __attribute__((warn_unused_result));
void store_end(struct store_draft *d); /* removes what was not published */

/* The files of one saved machine in a folder, wherever that is: read, written, taken away. */
struct err *store_read_folder(int folder, struct saved *s) __attribute__((warn_unused_result));
struct err *store_write_folder(int folder, const struct saved *s, const char *summary)
	__attribute__((warn_unused_result));
struct err *store_read_text(int folder, const char *name, char *buffer, size_t size)
	__attribute__((warn_unused_result));
struct err *store_write_file(int folder, const char *name, const void *data, size_t len)
	__attribute__((warn_unused_result));
uint64_t store_folder_bytes(int folder);
/* True for the name of a draft in `folder`, whose path that is; one whose maker was killed is removed. */
bool store_is_draft(const char *path, int folder, const char *name);
void store_remove_folder(const char *path);

/* For `ktdbg cache`. */
struct warm_entry {
	char key[STORE_KEY];
	uint64_t bytes;    /* on disk */
	int64_t used;      /* seconds since 1970 of the last use */
	char summary[256]; /* kernel, topology, memory, accelerator, clock; cleaned */
};

/* All entries, most recently used first; caller frees `ret`. */
struct err *warm_cache_list(struct warm_entry **ret, unsigned int *ret_count)
	__attribute__((warn_unused_result));
/* Remove all; how many, and how many bytes that freed. */
struct err *warm_cache_clear(unsigned int *ret_count, uint64_t *ret_bytes)
	__attribute__((warn_unused_result));

#endif
