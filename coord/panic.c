/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/panic.h"

#include <string.h>

#define CONSOLE_TAIL 8192
#define REASON_MAX 200
#define NO_CPU (-1) /* PANIC_CPU_INVALID */

uint64_t panic_word(struct kernel *k)
{
	uint64_t address;
	struct err *err = kernel_symbol(k, "panic_cpu", &address);

	if (!err)
		return address;
	err_free(err);
	return 0;
}

bool panic_happened(struct kernel *k, uint64_t word)
{
	int32_t cpu = NO_CPU;

	if (!word)
		return false;
	err_free(kernel_read(k, word, &cpu, sizeof(cpu)));
	return cpu != NO_CPU;
}

void panic_text(struct machine *m, struct str *s)
{
	static const char words[] = "Kernel panic - not syncing: ";
	char tail[CONSOLE_TAIL];
	const char *at;
	size_t len;

	str_add(s, "the kernel panicked");
	machine_console(m, tail, sizeof(tail));
	at = strstr(tail, words);
	if (!at)
		return;
	at += strlen(words);
	len = strcspn(at, "\r\n");
	str_add(s, ": ");
	str_add_clean(s, at, len < REASON_MAX ? len : REASON_MAX);
}
