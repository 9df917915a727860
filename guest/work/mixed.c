// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

void work_step_mixed(struct work *w, const uint64_t *params)
{
	work_burn(params[0]);
	work_sleep(w, params[1]);
}
