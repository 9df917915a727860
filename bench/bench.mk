# SPDX-License-Identifier: GPL-2.0-or-later
# What the design promises, measured; see bench/bench.c.

BENCH_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard bench/*.c))
$(O)/bench/bench: $(BENCH_OBJ) $(call libs_of,commands coord vmm base)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(KT_LIBS)
-include $(BENCH_OBJ:.o=.d)
$(O)/bench/bench: | $(O)/bench/crowd
$(O)/bench/crowd: $(O)/agent/bench/inside/crowd.o
	@mkdir -p $(@D)
	$(say) GUESTLD $@
	$(Q)$(GUEST_CC) $(GUEST_LDFLAGS) -o $@ $^ -lpthread
-include $(O)/agent/bench/inside/crowd.d

.PHONY: bench
bench: all $(O)/bench/bench ## figures beside their targets and beside raw QMP, gdb, drgn; PARTS="access model sampler breaks"
	$(Q)KTDBG_DATA=$(abspath $(O)) $(O)/bench/bench $(O)/ktdbg $(O)/bench/crowd $(PARTS)
