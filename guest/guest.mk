# SPDX-License-Identifier: GPL-2.0-or-later
# What runs inside the guest: the agent, the BPF schedulers and their loader, packed as one initramfs.
# Static, without the host's sanitizers, and the same bytes from the same inputs.

GUEST_CC ?= $(CC)
GUEST_CFLAGS := -std=gnu11 -D_GNU_SOURCE -I. -O2 -g0 -Wall -Wextra -Wno-unused-parameter -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -fno-strict-aliasing \
	-ffile-prefix-map=$(CURDIR)=. -MMD -MP $(if $(filter 1,$(WERROR)),-Werror)
GUEST_LDFLAGS := -static -no-pie -s -Wl,--build-id=none

AGENT_SRC := $(filter-out guest/pack.c,$(wildcard guest/*.c)) $(wildcard guest/work/*.c)
AGENT_OBJ := $(AGENT_SRC:%.c=$(O)/agent/%.o)
SCHED_SRC := $(wildcard guest/sched/*.bpf.c)
SCHED_OBJ := $(SCHED_SRC:%.bpf.c=$(O)/%.bpf.o) \
	$(patsubst %.bpf.c,$(O)/%.nodsq.bpf.o,$(filter-out guest/sched/fifo.bpf.c,$(SCHED_SRC)))

$(O)/agent/%.o: %.c guest/guest.mk
	@mkdir -p $(@D)
	$(say) GUESTCC $<
	$(Q)$(GUEST_CC) $(GUEST_CFLAGS) -c -o $@ $<

$(O)/guest/agent: $(AGENT_OBJ)
	@mkdir -p $(@D)
	$(say) GUESTLD $@
	$(Q)$(GUEST_CC) $(GUEST_LDFLAGS) -o $@ $^ -lpthread

# libbpf of the distribution, as archives; libelf 0.192 and later may need zstd.
GUEST_BPF_LIBS := $(shell $(PKG_CONFIG) --libs --static libbpf) \
	$(if $(wildcard $(shell $(CC) -print-file-name=libzstd.a)),-lzstd)
$(O)/guest/sched-load: $(O)/agent/guest/sched/load.o
	@mkdir -p $(@D)
	$(say) GUESTLD $@
	$(Q)$(GUEST_CC) $(GUEST_LDFLAGS) -o $@ $^ $(GUEST_BPF_LIBS)

# Schedulers with dispatch queues twice: with the kernel's, and with their own (own_dsq.bpf.h).
BPF_COMPILE = $(if $(CLANG_BPF),,$(error no clang: run ./bootstrap setup))$(CLANG_BPF) -O2 -g -target bpf \
	-mcpu=v3 -Wall -ffile-prefix-map=$(CURDIR)=. -I.
$(O)/guest/sched/%.bpf.o: guest/sched/%.bpf.c $(wildcard guest/sched/*.bpf.h) guest/wire_sched.h guest/guest.mk
	@mkdir -p $(@D)
	$(say) BPF $@
	$(Q)$(BPF_COMPILE) -c -o $@ $<

$(O)/guest/sched/%.nodsq.bpf.o: guest/sched/%.bpf.c $(wildcard guest/sched/*.bpf.h) guest/wire_sched.h guest/guest.mk
	@mkdir -p $(@D)
	$(say) BPF $@
	$(Q)$(BPF_COMPILE) -DOWN_DSQ -c -o $@ $<

$(O)/guest/pack: guest/pack.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(filter-out -MMD -MP,$(GUEST_CFLAGS)) -o $@ $< $(shell $(PKG_CONFIG) --libs libarchive)

$(O)/initramfs.cpio: $(O)/guest/pack $(O)/guest/agent $(O)/guest/sched-load $(SCHED_OBJ)
	$(say) PACK $@
	$(Q)$(O)/guest/pack $@ init=$(O)/guest/agent ktdbg/bin/sched-load=$(O)/guest/sched-load \
		$(foreach o,$(SCHED_OBJ),ktdbg/sched/$(notdir $(o))=$(o))

.PHONY: guest
guest: $(O)/initramfs.cpio
all: $(O)/initramfs.cpio

-include $(AGENT_OBJ:.o=.d) $(O)/agent/guest/sched/load.d
