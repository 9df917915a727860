// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/mempolicy.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#define MAILBOX_SIZE ((size_t)WIRE_PAGES * WIRE_PAGE_SIZE)

/*
 * Shared, so that workers write their statistics into the same pages. Bound to a node by policy, which
 * keeps NUMA balancing away; no huge pages, so that the pages stay what they are.
 */
static void *map_pages(void)
{
	unsigned long node = 1;
	void *p = mmap(NULL, MAILBOX_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	syscall(SYS_mbind, p, MAILBOX_SIZE, MPOL_BIND, &node, 8 * sizeof(node), 0);
	madvise(p, MAILBOX_SIZE, MADV_NOHUGEPAGE);
	if (mlock(p, MAILBOX_SIZE))
		printf("ktdbg-agent: mlock: %s\n", strerror(errno));
	memset(p, 0, MAILBOX_SIZE);
	return p;
}

/*
 * A locked page may still move: a change of cpuset.mems migrates what its tasks have mapped, and the
 * workers have this mapped. A registered io_uring buffer is a long-term pin, which nothing migrates.
 */
static int pin_pages(void *p)
{
	struct io_uring_params params = {0};
	struct iovec range = {p, MAILBOX_SIZE};
	int fd = (int)syscall(SYS_io_uring_setup, 1, &params);

	if (fd < 0)
		return -1;
	if (syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, &range, 1)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool read_frames(const void *p, uint32_t ret[WIRE_PAGES])
{
	static uint64_t entries[WIRE_PAGES]; /* static for its size only */
	off_t offset = (off_t)((uintptr_t)p / WIRE_PAGE_SIZE * sizeof(uint64_t));
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = pread(fd, entries, sizeof(entries), offset) == (ssize_t)sizeof(entries);
	close(fd);
	for (unsigned int i = 0; ok && i < WIRE_PAGES; i++) {
		uint64_t frame = entries[i] & ((1ULL << 55) - 1);

		/* Present; frame 0: no permission to see it. */
		ok = (entries[i] >> 63) && frame && frame <= UINT32_MAX;
		ret[i] = (uint32_t)frame;
	}
	return ok;
}

/* One more than the highest number of a list like "0-3". */
static uint32_t list_end(const char *path)
{
	char text[256];
	const char *last;

	if (read_small_file(path, text, sizeof(text)) <= 0)
		return 1;
	last = text + strlen(text);
	while (last > text && last[-1] >= '0' && last[-1] <= '9')
		last--;
	return (uint32_t)strtoul(last, NULL, 10) + 1;
}

bool mailbox_create(struct agent *a)
{
	struct wire_header *h;
	struct wire_list *list;

	a->mailbox = map_pages();
	if (!a->mailbox) {
		printf("ktdbg-agent: no memory for the mailbox: %s\n", strerror(errno));
		return false;
	}
	a->pin = pin_pages(a->mailbox);
	if (a->pin < 0)
		printf("ktdbg-agent: the mailbox is locked but not pinned: %s\n", strerror(errno));
	h = a->header = (void *)a->mailbox;
	a->response = (void *)(a->mailbox + WIRE_RESPONSE_PAGE * WIRE_PAGE_SIZE);
	a->text = (char *)a->mailbox + WIRE_TEXT_PAGE * WIRE_PAGE_SIZE;
	a->workers = (void *)(a->mailbox + WIRE_WORKER_PAGE * WIRE_PAGE_SIZE);
	a->phases = (void *)(a->mailbox + WIRE_PHASE_PAGE * WIRE_PAGE_SIZE);
	list = (void *)(a->mailbox + WIRE_LIST_PAGE * WIRE_PAGE_SIZE);
	if (!read_frames(a->mailbox, list->frame)) {
		printf("ktdbg-agent: /proc/self/pagemap does not tell where the mailbox lies\n");
		return false;
	}
	h->list_phys = (uint64_t)list->frame[WIRE_LIST_PAGE] * WIRE_PAGE_SIZE;
	h->version = WIRE_VERSION;
	h->page_count = WIRE_PAGES;
	h->agent_pid = (uint32_t)getpid();
	h->agent_state = WIRE_AGENT_STARTING;
	h->cpu_count = list_end("/sys/devices/system/cpu/possible");
	h->node_count = list_end("/sys/devices/system/node/possible");
	__atomic_store_n(&h->magic, WIRE_MAGIC, __ATOMIC_RELEASE);
	return true;
}

/* In place of the death that a denied port means: past the `out`, with rcx as its verdict. */
static void skip_out(int signal, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signal;
	(void)info;
	registers[REG_RIP]++;
	registers[REG_RCX] = 1;
}

/* False when the port is denied: QEMU's SVM (7.2) does so to user code of a nested guest, permission
 * or not. */
static bool write_port(const char *text)
{
	struct sigaction skip = {.sa_sigaction = skip_out, .sa_flags = SA_SIGINFO}, old;
	unsigned long denied = 0;

	if (ioperm(WIRE_PORT, 1, 1))
		return false;
	sigaction(SIGSEGV, &skip, &old);
	for (; *text && !denied; text++)
		__asm__ volatile("outb %b1, %w2" : "+c"(denied) : "a"(*text), "d"(WIRE_PORT));
	sigaction(SIGSEGV, &old, NULL);
	ioperm(WIRE_PORT, 1, 0);
	return !denied;
}

void mailbox_announce(struct agent *a)
{
	const struct wire_list *list = (void *)(a->mailbox + WIRE_LIST_PAGE * WIRE_PAGE_SIZE);
	char line[64];

	snprintf(line, sizeof(line), WIRE_ANNOUNCE "%llx\n",
		 (unsigned long long)list->frame[0] * WIRE_PAGE_SIZE);
	a->header->agent_state = WIRE_AGENT_READY;
	if (!write_port(line))
		printf("\n%s", line); /* the console is looked at too */
}
