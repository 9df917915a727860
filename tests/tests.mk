# SPDX-License-Identifier: GPL-2.0-or-later
# The checks. Every one goes through tests/run, which gives each program a folder and a deadline, prints a
# line for it and counts; `make check` runs all of them and ends with the sums.

RUN = tests/run -o $(O)
CMOCKA_LIBS = $(shell $(PKG_CONFIG) --libs cmocka)

# Unit tests: tests/unit/LAYER/test_*.c, linked with that layer and those below it only.
BELOW_base := base
BELOW_vmm := vmm base
BELOW_coord := coord vmm base
BELOW_commands := commands coord vmm base
BELOW_tui := tui commands coord vmm base

define unit_rules
TESTS_$(1) := $$(patsubst tests/%.c,$$(O)/tests/%,$$(wildcard tests/unit/$(1)/test_*.c))
$$(TESTS_$(1)): $$(O)/tests/unit/$(1)/%: $$(O)/tests/unit/$(1)/%.o $$(call libs_of,$$(BELOW_$(1)))
	$$(say) LD $$@
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(KT_LIBS) $$(CMOCKA_LIBS)
.PHONY: check-unit-$(1)
check-unit-$(1): $$(TESTS_$(1))
	$$(if $$^,$$(Q)$$(RUN) -g unit/$(1) -t 60 -j 2 $$^)
endef
$(foreach l,$(LAYERS),$(eval $(call unit_rules,$(l))))

.PHONY: check-unit
check-unit: $(foreach l,$(LAYERS),check-unit-$(l)) ## unit tests; check-unit-LAYER: of one layer

# Guest tests: tests/guest/test_*.c boot a real guest (the kernel is the cache's newest) and end with 77 when
# there is none to boot. They may use everything below the screen.
GUEST_TESTS := $(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/guest/test_*.c))
GUEST_COMMON := $(patsubst %.c,$(O)/%.o,$(filter-out tests/guest/test_%.c,$(wildcard tests/guest/*.c)))
$(GUEST_TESTS): $(O)/tests/guest/%: $(O)/tests/guest/%.o $(GUEST_COMMON) \
		$(call libs_of,commands coord vmm base)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(KT_LIBS) $(CMOCKA_LIBS)
# Programs that tests take into the guest.
$(O)/tests/guest/maps: $(O)/agent/tests/guest/inside/maps.o
	@mkdir -p $(@D)
	$(say) GUESTLD $@
	$(Q)$(GUEST_CC) $(GUEST_LDFLAGS) -o $@ $^ $(GUEST_BPF_LIBS)
$(O)/tests/guest/hostile: $(O)/agent/tests/guest/inside/hostile.o
	@mkdir -p $(@D)
	$(say) GUESTLD $@
	$(Q)$(GUEST_CC) $(GUEST_LDFLAGS) -o $@ $^
$(O)/tests/guest/trouble: $(O)/agent/tests/guest/inside/trouble.o
	@mkdir -p $(@D)
	$(say) GUESTLD $@
	$(Q)$(GUEST_CC) $(GUEST_LDFLAGS) -o $@ $^
$(O)/tests/guest/sleepers: $(O)/agent/tests/guest/inside/sleepers.o
	@mkdir -p $(@D)
	$(say) GUESTLD $@
	$(Q)$(GUEST_CC) $(GUEST_LDFLAGS) -o $@ $^
-include $(foreach p,maps hostile trouble sleepers,$(O)/agent/tests/guest/inside/$(p).d)
$(O)/tests/guest/test_hangs: | $(O)/tests/guest/sleepers $(O)/tests/guest/faults.bpf.o
$(O)/tests/guest/test_bpf: | $(O)/tests/guest/maps
$(O)/tests/guest/test_triggers: | $(O)/tests/guest/trouble
$(O)/tests/guest/test_ops $(O)/tests/guest/test_hostile $(O)/tests/guest/test_scenario: | $(O)/tests/guest/hostile

.PHONY: check-guest
GUEST_JOBS ?= 2
check-guest: all $(GUEST_TESTS) ## tests that boot guests
	$(if $(GUEST_TESTS),$(Q)$(RUN) -k -g guest -t 400 -j $(GUEST_JOBS) $(filter-out $(GUEST_LEFT_OUT),$(GUEST_TESTS)))

# 200 steps in a row leave nothing behind.
.PHONY: check-steps
check-steps: all $(O)/tests/guest/test_scenario ## many steps of scenarios: STEPS=200
	$(Q)KTDBG_TEST_STEPS=$(or $(STEPS),200) $(RUN) -k -g steps -t 1200 $(O)/tests/guest/test_scenario

# Every type of work on several topologies.
$(O)/tests/work/test_work: $(O)/tests/work/test_work.o $(GUEST_COMMON) $(call libs_of,commands coord vmm base)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(KT_LIBS) $(CMOCKA_LIBS)
.PHONY: check-work
check-work: all $(O)/tests/work/test_work ## every type of work on several topologies, seen from outside
	$(Q)$(RUN) -k -g work -t 1800 $(O)/tests/work/test_work

# The guest tests on several kernels, fetched when they are not in the cache.
.PHONY: check-kernels
KERNELS ?= 6.18 6.19 7.0 7.1 7.2
check-kernels: all $(GUEST_TESTS) ## guest tests on each of KERNELS="6.18 6.19 7.0 7.1 7.2"
	$(Q)status=0; for k in $(KERNELS); do \
		$(O)/ktdbg kernel fetch $$k || status=1; \
		KTDBG_TEST_KERNEL=$$k $(RUN) -p $$k/ -k -g guest -t 400 -j $(GUEST_JOBS) $(GUEST_TESTS) || status=1; \
	done; exit $$status

# A large guest against drgn, which must be there: DRGN_PYTHON is a Python that has it. Minutes a kernel.
$(O)/tests/guest/%.bpf.o: tests/guest/inside/%.bpf.c guest/sched/scx.bpf.h
	@mkdir -p $(@D)
	$(say) BPF $@
	$(Q)$(BPF_COMPILE) -c -o $@ $<
.PHONY: check-drgn
DRGN_KERNELS ?= 6.16 6.17 6.18 $(KERNELS)
check-drgn: all $(O)/tests/guest/queues.bpf.o ## everything shown of DRGN_KERNELS, compared with drgn on a dump
	$(Q)status=0; for k in $(DRGN_KERNELS); do \
		$(O)/ktdbg kernel fetch $$k || status=1; \
		KTDBG=$(abspath $(O))/ktdbg OBJECT=$(abspath $(O))/tests/guest/queues.bpf.o \
			$(RUN) -k -p $$k/ -t 1800 -c drgn tests/drgn/exam $$k || status=1; \
	done; exit $$status

TEST_OBJ := $(patsubst %,%.o,$(foreach l,$(LAYERS),$(TESTS_$(l))) $(GUEST_TESTS)) $(GUEST_COMMON) \
	$(O)/tests/work/test_work.o

# Save and restore, again and again, with a scheduler and work: minutes.
.PHONY: check-checkpoints
check-checkpoints: all $(O)/tests/guest/test_checkpoint ## fifty restores in a row
	$(Q)KTDBG_TEST_LOOPS=50 $(RUN) -k -t 900 -c checkpoints $(O)/tests/guest/test_checkpoint

# What only a host shows that does nothing else.
.PHONY: check-overcommit
check-overcommit: all ## no steal without overcommit; needs a quiet host
	$(Q)$(RUN) -k -t 300 -c overcommit $(O)/ktdbg --batch tests/overcommit

# KVM, in a nested guest; not part of `check`: it takes about a minute on two quiet cores.
$(O)/tests/kvm/init: tests/kvm/init.c
	@mkdir -p $(@D)
	$(say) GUESTCC $<
	$(Q)$(GUEST_CC) $(filter-out -MMD -MP,$(GUEST_CFLAGS)) $(GUEST_LDFLAGS) -o $@ $<
.PHONY: check-kvm
check-kvm: all $(O)/guest/pack $(O)/tests/kvm/init ## KVM for real, nested in a TCG guest
	$(Q)$(RUN) -k -t 900 -c kvm tests/kvm/lab $(O)

.PHONY: check-explore
check-explore: all ## a lost wakeup is found by --explore, and again by what it saved
	$(Q)$(RUN) -k -t 900 -c explore tests/check-explore $(O)/ktdbg

.PHONY: check-recordings
check-recordings: all ## the product's own regression suite, replayed
	$(Q)$(RUN) -k -t 300 -c recordings $(O)/ktdbg --batch tests/recordings

# Long, therefore not part of check.
.PHONY: check-dump
check-dump: all ## a dump against its schema, opened again, and damaged in many ways; needs python3-jsonschema
	$(Q)$(RUN) -k -t 900 -c dump tests/dump/run $(O)/ktdbg

.PHONY: check-identity
IDENTITY_RUNS ?= 100
check-identity: all ## IDENTITY_RUNS=100 runs of each recording, one digest each, under load and with SIGSTOP
	$(Q)$(RUN) -k -t 36000 -c identity tests/identity/run $(O)/ktdbg $(IDENTITY_RUNS)

.PHONY: check-batch
check-batch: all ## forty recordings of all kinds, two at a time: verdicts, TAP, JUnit, what is left behind
	$(Q)$(RUN) -k -t 900 -c batch tests/batch/run $(O)/ktdbg
	$(Q)$(RUN) -k -t 900 -c negative tests/batch/negative $(O)/ktdbg
	$(Q)$(RUN) -k -t 900 -c record tests/batch/record $(O)/ktdbg
	$(Q)$(RUN) -k -t 900 -c explore tests/batch/explore $(O)/ktdbg

# The screen and the prompt, driven in tmux.
TUI_TESTS := $(wildcard tests/tui/test_*.sh)
.PHONY: check-tui
check-tui: all ## the real program in tmux
	$(if $(TUI_TESTS),$(Q)KTDBG=$(abspath $(O))/ktdbg $(RUN) -k -g tui -t 120 -j 2 $(TUI_TESTS))

.PHONY: check-layers
check-layers: ## no include points upwards
	$(Q)$(RUN) -t 60 -c layers tests/check-layers
	$(Q)$(RUN) -t 60 -c layers-self tests/check-layers-self

# Every header compiles alone.
HEADERS := $(foreach l,$(LAYERS) guest,$(wildcard $(l)/*.h))
HEADERS_OK := $(HEADERS:%=$(O)/headers/%.ok)
$(HEADERS_OK): $(O)/headers/%.ok: % $(O)/gen/flags | $(O)/gen/version.h
	@mkdir -p $(@D)
	$(Q)printf '#include "%s"\nextern int one_declaration;\n' $< | \
		$(CC) $(filter-out -MMD -MP,$(KT_CFLAGS)) -Wno-unused-function -Werror -MMD -MP -MT $@ \
		-MF $(@:.ok=.d) -fsyntax-only -x c -
	@touch $@
-include $(HEADERS_OK:.ok=.d)
.PHONY: check-headers headers
headers: $(HEADERS_OK)
check-headers: ## every header compiles alone
	$(Q)+$(RUN) -t 120 -c headers $(MAKE) --no-print-directory headers

# The manual is made from the tables; what is in the tree must be what would be made.
.PHONY: check-man
check-man: all ## man/ktdbg.1 is not stale
	$(Q)$(RUN) -t 30 -c man sh -c '$(O)/ktdbg --man | diff -u man/ktdbg.1 -'

# Fuzzing: tests/fuzz/fuzz_*.c against libFuzzer, in a build of their own; a corpus is tests/data/fuzz/NAME.
CLANG ?= $(CLANG_BPF)
FUZZ_TIME ?= 10
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_O := $(O)/fuzz
.PHONY: fuzz check-fuzz fuzzers
fuzz: ## every fuzzer for FUZZ_TIME seconds
	$(Q)+$(MAKE) --no-print-directory O=$(FUZZ_O) CC=$(CLANG) SANITIZE=address,undefined FUZZING=1 fuzzers
	$(Q)FUZZ_TIME=$(FUZZ_TIME) $(RUN) -g fuzz -j 2 -t $$(($(FUZZ_TIME) + 60)) -w tests/fuzz/one $(FUZZERS:%=$(FUZZ_O)/%)
check-fuzz: ## every fuzzer for 2 seconds
	$(Q)+$(MAKE) --no-print-directory fuzz FUZZ_TIME=2
ifeq ($(FUZZING),1)
KT_CFLAGS += -fsanitize=fuzzer-no-link
fuzzers: $(FUZZERS:%=$(O)/%)
$(FUZZERS:%=$(O)/%): $(O)/%: $(O)/tests/fuzz/%.o $(call libs_of,commands coord vmm base)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(KT_LIBS)
endif

# The unit and guest tests once more, under the sanitizers. Leaks count.
.PHONY: check-asan asan-tests
check-asan: ## unit and guest tests under ASan and UBSan
	$(Q)+$(MAKE) --no-print-directory O=$(O)/asan SANITIZE=address,undefined CFLAGS='-O1 -g' \
		RUN='tests/run -o $(O)/asan -r $(abspath $(O))/results -p asan/' asan-tests
# What the tests of breaks and triggers take their time for happens inside QEMU, which is no sanitizer's.
asan-tests: GUEST_LEFT_OUT := %/test_breaks %/test_triggers
asan-tests: check-unit check-guest

.PHONY: lint shellcheck
SCRIPTS = bootstrap .ci/run tests/run tests/dump/run tests/kvm/lab tests/identity/run tests/batch/run tests/batch/record tests/batch/explore tests/fuzz/one tests/check-layers tests/check-layers-self $(wildcard tests/tui/*.sh) \
	tests/drgn/exam tests/drgn/scene tests/drgn/questions \
	$(wildcard bench/*.sh)
shellcheck: ## the scripts
	shellcheck -x -S warning $(SCRIPTS)
# cppcheck takes an error that is returned for a pointer to what the failing call was given, and knows of no
# out parameters.
lint: shellcheck compile_commands.json ## shellcheck, cppcheck and clang-tidy
	cppcheck --quiet --enable=warning,portability --inline-suppr --error-exitcode=1 --std=c11 \
		--suppress=missingIncludeSystem --suppress=returnDanglingLifetime --suppress=uninitStructMember \
		-I. -I$(O)/gen $(LAYERS) ktdbg.c
	clang-tidy --quiet -p . $(foreach l,$(LAYERS),$(SRC_$(l))) ktdbg.c

CHECKS := check-layers check-headers check-unit check-man check-fuzz check-damage check-guest check-recordings check-tui \
	check-asan
.PHONY: check
check: ## everything, and the sums
	$(Q)+$(RUN) --checks '$(MAKE)' all $(CHECKS)
