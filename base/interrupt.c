/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t interrupt_flag, final_flag, expired_flag;

static void on_signal(int signal_number)
{
	interrupt_flag = 1;
	if (signal_number == SIGALRM)
		expired_flag = 1;
	else if (signal_number != SIGINT)
		final_flag = 1;
}

void interrupt_install(void)
{
	/* Without SA_RESTART, so that a blocking wait returns and sees the flag. */
	struct sigaction action = {.sa_handler = on_signal};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	/* A file that may not grow is a write() that fails, as on a full disk. */
	signal(SIGXFSZ, SIG_IGN);
}

bool interrupted(void)
{
	return interrupt_flag != 0;
}

void interrupt_clear(void)
{
	interrupt_flag = final_flag;
}

bool interrupt_is_final(void)
{
	return final_flag != 0;
}

bool interrupt_expired(void)
{
	return expired_flag != 0;
}

void interrupt_raise(void)
{
	interrupt_flag = 1;
}
