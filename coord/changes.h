/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What cold writes changed: the log that `changes` shows, and the bytes that `undo` puts back.
 * Writes are gathered into a group (one operation, or a batch) that is either kept or rolled back.
 */
#ifndef COORD_CHANGES_H
#define COORD_CHANGES_H

#include "base/err.h"
#include "coord/cold.h"
#include "coord/kernel.h"

#include <stdint.h>

#define CHANGES_MAX 65536

/* One write as it lies in memory. */
struct written {
	uint64_t address;
	uint32_t len;
	uint8_t old[COLD_BYTES_MAX];
	struct cold_change change;
};

struct changes;

struct err *changes_create(struct changes **ret) __attribute__((warn_unused_result));
void changes_destroy(struct changes *c);

/* A write of the open group; copied. Call after the write: on ERR_NOMEM the caller puts it back. */
struct err *changes_add(struct changes *c, const struct written *w)
	__attribute__((warn_unused_result));
/* Keep the open group as made in `epoch`. */
void changes_keep(struct changes *c, uint64_t epoch);
/* Put the open group's old bytes back, newest first, and forget it. */
struct err *changes_roll_back(struct changes *c, struct kernel *k)
	__attribute__((warn_unused_result));
/* Take back the newest kept group. ERR_NOT_FOUND: nothing to take back; ERR_REFUSED: made before
 * `epoch`. */
struct err *changes_undo(struct changes *c, struct kernel *k, uint64_t epoch, unsigned int *ret)
	__attribute__((warn_unused_result));

const struct cold_change *changes_list(const struct changes *c, unsigned int *ret_count);

#endif
