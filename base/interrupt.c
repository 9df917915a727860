/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t interrupt_flag;

static void on_sigint(int signal_number)
{
	(void)signal_number;
	interrupt_flag = 1;
}

void interrupt_install(void)
{
	/* Without SA_RESTART, so that a blocking wait returns and sees the flag. */
	struct sigaction action = {.sa_handler = on_sigint};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
}

bool interrupted(void)
{
	return interrupt_flag != 0;
}

void interrupt_clear(void)
{
	interrupt_flag = 0;
}

void interrupt_raise(void)
{
	interrupt_flag = 1;
}
