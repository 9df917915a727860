/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/guest/machines.h"

#include "vmm/kernel_cache.h"
#include "vmm/qemu.h"

#include <nettle/sha2.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

static void skip_on(struct err *err)
{
	if (!err)
		return;
	fprintf(stderr, "skipped: %s\n", err_detail(err));
	err_free(err);
	exit(77);
}

void machine_setup_init(struct machine_setup *s)
{
	const struct guest_image_config none = {0};
	const char *folder = getenv("TEST_DIR");
	char *qemu = NULL;

	*s = (struct machine_setup){0};
	assert_true(!folder || chdir(folder) == 0);
	skip_on(kernel_cache_resolve(getenv("KTDBG_TEST_KERNEL"), &s->kernel));
	skip_on(qemu_find(getenv("KTDBG_QEMU") ? getenv("KTDBG_QEMU") : "qemu-system-x86_64",
			  &qemu));
	free(qemu);
	expect_ok(guest_image_create(&none, &s->image));
	s->config = (struct machine_config){
		.kernel = s->kernel,
		.initrds = guest_image_initrds(s->image),
		.initrd_count = guest_image_initrd_count(s->image),
		.topology = {1, 1, 4, 1},
		.memory = UINT64_C(512) << 20,
		.quantum = {.ns = 100000},
		.kaslr = KASLR_ON,
		.boot_timeout_ns =
			UINT64_C(120000000000), /* the host may be busy with other tests */
	};
}

void machine_setup_deinit(struct machine_setup *s)
{
	guest_image_destroy(s->image);
	free(s->kernel);
}

void memory_hash(struct machine *m, char ret[SHA256_TEXT])
{
	static const char zeros[PAGE];
	const struct ram *ram = machine_ram(m);
	uint8_t digest[SHA256_DIGEST_SIZE];
	uint64_t at = 0, start, end;
	struct sha256_ctx hash;

	sha256_init(&hash);
	for (; ram_next_data(ram, at, &start, &end) > 0; at = end)
		for (uint64_t p = start; p < end; p += PAGE)
			if (memcmp(ram->base + p, zeros, PAGE)) {
				sha256_update(&hash, sizeof(p), (const uint8_t *)&p);
				sha256_update(&hash, PAGE, ram->base + p);
			}
	sha256_digest(&hash, sizeof(digest), digest);
	for (unsigned int i = 0; i < sizeof(digest); i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

void pass(struct machine *m, uint64_t ns)
{
	struct machine_stop stop = {.time = machine_time(m) + ns};
	enum machine_stop_reason reason;

	expect_ok(machine_run(m, &stop));
	expect_ok(machine_wait(m, UINT64_C(120000000000), &reason));
	assert_int_equal(reason, STOP_TIME);
}

void load(struct load *l, unsigned int count)
{
	for (l->count = 0; l->count < count; l->count++) {
		l->pids[l->count] = fork();
		if (l->pids[l->count])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (volatile unsigned int i = 0;; i++)
			;
	}
}

void unload(struct load *l)
{
	for (unsigned int i = 0; i < l->count; i++) {
		kill(l->pids[i], SIGKILL);
		waitpid(l->pids[i], NULL, 0);
	}
}
