# SPDX-License-Identifier: GPL-2.0-or-later
# Walks over damaged memory of a real guest, under the sanitizers; see tests/damage/damage.c. The guest's
# memory is captured once for each kernel and kept in the build folder.

# Eight walks a round: the default is a million.
DAMAGE_ROUNDS ?= 125000
DAMAGE_SEED ?= 1
DAMAGE_CORE := $(O)/damage-$(or $(KTDBG_TEST_KERNEL),newest).core
DAMAGE_OBJ := $(patsubst %,$(O)/tests/damage/%.o,damage harm limits memory rounds trace walks)

$(O)/tests/damage/damage: $(DAMAGE_OBJ) $(call libs_of,commands coord vmm base)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(KT_LIBS)
$(O)/tests/damage/capture: $(O)/tests/damage/capture.o $(call libs_of,commands coord vmm base)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(KT_LIBS)
-include $(DAMAGE_OBJ:.o=.d) $(O)/tests/damage/capture.d

.PHONY: damage check-damage damage-program
damage: all $(O)/tests/damage/capture $(O)/tests/guest/maps ## DAMAGE_ROUNDS=125000 rounds of 8 walks over damaged memory, from DAMAGE_SEED=1
	$(Q)+$(MAKE) --no-print-directory O=$(O)/asan SANITIZE=address,undefined CFLAGS='-O1 -g' damage-program
	$(Q)$(RUN) -k -t $$((600 + $(DAMAGE_ROUNDS) / 10)) -c damage sh -c '\
		test $(DAMAGE_CORE) -nt $(O)/tests/damage/capture || $(O)/tests/damage/capture $(DAMAGE_CORE) || exit; \
		exec $(O)/asan/tests/damage/damage -s $(DAMAGE_SEED) -n $(DAMAGE_ROUNDS) $(DAMAGE_CORE)'
check-damage: ## a few of these rounds
	$(Q)+$(MAKE) --no-print-directory damage DAMAGE_ROUNDS=250
damage-program: $(O)/tests/damage/damage
