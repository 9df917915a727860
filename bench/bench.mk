# SPDX-License-Identifier: GPL-2.0-or-later
# What the design promises, measured; see bench/bench.c.

BENCH_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard bench/*.c))
$(O)/bench/bench: $(BENCH_OBJ) $(call libs_of,commands coord vmm base)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(KT_LIBS)
-include $(BENCH_OBJ:.o=.d)

.PHONY: bench
bench: all $(O)/bench/bench ## figures, beside their targets, raw QMP and gdb
	$(Q)KTDBG_DATA=$(abspath $(O)) $(O)/bench/bench $(O)/ktdbg
