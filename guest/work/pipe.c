// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <unistd.h>

static void send_bytes(struct work *w, uint64_t bytes)
{
	static const char zeros[4096];

	w->slot->stamp = work_now();
	if (write(w->write_fd, zeros, bytes) < 0)
		_exit(0); /* the peer is gone */
}

static void receive_bytes(struct work *w, uint64_t bytes)
{
	char buffer[4096];
	uint64_t now;

	while (bytes) {
		ssize_t n = read(w->read_fd, buffer, bytes < sizeof(buffer) ? bytes : sizeof(buffer));

		if (n <= 0)
			_exit(0);
		bytes -= (uint64_t)n;
	}
	now = work_now();
	work_count_latency(w, now > w->peer->stamp ? now - w->peer->stamp : 0);
}

/* The even one of a pair serves; an iteration is one round trip for both. */
void work_step_pipe(struct work *w, const uint64_t *params)
{
	if (w->number % 2 == 0) {
		send_bytes(w, params[0]);
		receive_bytes(w, params[0]);
	} else {
		receive_bytes(w, params[0]);
		send_bytes(w, params[0]);
	}
}
