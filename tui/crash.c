/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/crash.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define CRASH_SIGNALS (sizeof(crash_signals) / sizeof(crash_signals[0]))

/* A handler gets no context: the one mutable global of the screen. */
static struct {
	volatile sig_atomic_t armed;
	int fd;
	struct termios modes;
	char restore[256];
	size_t len;
	struct sigaction old[CRASH_SIGNALS];
	_Alignas(16) char stack[16384]; /* SIGSEGV may mean that the normal one is full */
} crash;

static void on_crash(int signal_number)
{
	if (crash.armed) {
		crash.armed = 0;
		(void)!write(crash.fd, crash.restore, crash.len);
		tcsetattr(crash.fd, TCSANOW, &crash.modes);
	}
	/* SA_RESETHAND has put the default back: the signal kills when this handler returns. */
	raise(signal_number);
}

void crash_arm(int fd, const struct termios *modes, const char *restore, size_t len)
{
	struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_ONSTACK};
	stack_t stack = {.ss_sp = crash.stack, .ss_size = sizeof(crash.stack)};

	crash.fd = fd;
	crash.modes = *modes;
	crash.len = len < sizeof(crash.restore) ? len : sizeof(crash.restore);
	memcpy(crash.restore, restore, crash.len);
	sigemptyset(&action.sa_mask);
	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < CRASH_SIGNALS; i++)
		sigaction(crash_signals[i], &action, &crash.old[i]);
	crash.armed = 1;
}

void crash_disarm(void)
{
	stack_t none = {.ss_flags = SS_DISABLE};

	if (!crash.armed)
		return;
	crash.armed = 0;
	for (size_t i = 0; i < CRASH_SIGNALS; i++)
		sigaction(crash_signals[i], &crash.old[i], NULL);
	sigaltstack(&none, NULL);
}
