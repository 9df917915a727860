/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks behind vmm/kvm/checks.h, one a file. An error of kind ERR_ABSENT means "not offered",
 * any other a failure; on success `detail` has the figures. */
#ifndef VMM_KVM_CHECKS_IMPL_H
#define VMM_KVM_CHECKS_IMPL_H

#include "base/err.h"
#include "vmm/kvm/checks.h"

struct err *kvm_check_steal(char detail[KVM_CHECK_DETAIL]) __attribute__((warn_unused_result));
struct err *kvm_check_runstate(char detail[KVM_CHECK_DETAIL]) __attribute__((warn_unused_result));

#endif
