/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmm/warm.h"
#include "vmm/machine_impl.h"

struct err *warm_start(struct machine *m)
{
	return machine_cold_boot(m);
}
