// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <sys/epoll.h>
#include <unistd.h>

static void open_epoll(struct work *w)
{
	struct epoll_event event = {.events = EPOLLIN};

	w->file = epoll_create1(EPOLL_CLOEXEC);
	if (w->file < 0 || epoll_ctl(w->file, EPOLL_CTL_ADD, w->read_fd, &event))
		_exit(1);
}

static void post(struct work *w, uint64_t bytes)
{
	static const char zeros[4096];

	w->slot->stamp = work_now();
	if (write(w->write_fd, zeros, bytes) < 0) /* full: they have enough to do */
		w->slot->stamp = 0;
}

/* Each event wakes all that wait; who comes too late finds nothing to read. */
void work_step_epoll_storm(struct work *w, const uint64_t *params)
{
	struct epoll_event event;
	char c;

	if (!w->number) {
		work_sleep(w, params[1]);
		post(w, params[0]);
		return;
	}
	if (w->file < 0)
		open_epoll(w);
	if (epoll_wait(w->file, &event, 1, 0) == 0 && epoll_wait(w->file, &event, 1, -1) == 1)
		work_count_since(w, w->first->stamp);
	if (read(w->read_fd, &c, 1) == 1)
		work_burn(params[2]);
}
