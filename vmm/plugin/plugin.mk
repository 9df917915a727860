# SPDX-License-Identifier: GPL-2.0-or-later
# The virtual clock's plugin, once for each plugin interface of QEMU: 1 (up to QEMU 8), 2 (9 and 10),
# 7 (11). ktdbg picks one by QEMU's version (vmm/vclock.c).

VCLOCK_APIS := 1 2 7
VCLOCK_PLUGINS := $(VCLOCK_APIS:%=$(O)/ktdbg-vclock-%.so)

# Sanitizers stay out: QEMU is not built with them.
VCLOCK_SOURCES := $(wildcard vmm/plugin/*.c)
$(VCLOCK_PLUGINS): $(O)/ktdbg-vclock-%.so: $(VCLOCK_SOURCES) $(wildcard vmm/plugin/*.h) vmm/vclock_page.h
	@mkdir -p $(@D)
	$(say) PLUGIN $@
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -I. -Wall -Wextra -fno-strict-aliasing $(CFLAGS) -fPIC -shared \
		-fvisibility=hidden -DPLUGIN_API=$* -o $@ $(VCLOCK_SOURCES) -ldl

# The real clock's, for QEMU before 8.0.
TEXT_PLUGIN := $(O)/ktdbg-text-1.so
$(TEXT_PLUGIN): vmm/plugin/text/text_plugin.c
	@mkdir -p $(@D)
	$(say) PLUGIN $@
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -fno-strict-aliasing $(CFLAGS) -fPIC -shared \
		-fvisibility=hidden -o $@ $< -ldl

all: $(VCLOCK_PLUGINS) $(TEXT_PLUGIN)
