/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's device state between a file and a pipe, in a thread of its own: QEMU 11 migrates to no plain
 * file through an inherited descriptor, and no QEMU may be kept waiting by whoever talks QMP to it.
 */
#ifndef VMM_STREAM_H
#define VMM_STREAM_H

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum stream_direction { STREAM_TO_FILE, STREAM_FROM_FILE };

struct stream {
	enum stream_direction direction;
	int pipe, file;
	pthread_t thread;
	bool started;
	bool cancel; /* atomic */
	int errnum;
};

/* `file` is borrowed until stream_finish(); used from its beginning. `ret_peer` is QEMU's end of the
 * pipe, to be given to it and then closed. */
struct err *stream_start(struct stream *s, int file, enum stream_direction direction, int *ret_peer)
	__attribute__((warn_unused_result));
/* Wait until all has passed, or stop it now. A zeroed stream is fine. */
struct err *stream_finish(struct stream *s, bool cancel) __attribute__((warn_unused_result));

#endif
