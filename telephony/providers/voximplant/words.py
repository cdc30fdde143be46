"""Voximplant's words: every type of account callback it documents, and what each means to us.

The table is the protocol file's. A type that is not in it is kept and acknowledged, never refused.
"""

from __future__ import annotations

LOW_CREDIT = "min_balance"
TEXT_IN = "sms_inbound"

KNOWN_TOPICS = frozenset(
    {
        LOW_CREDIT,
        TEXT_IN,
        # money and the account itself
        "balance_is_changed",
        "card_payment",
        "robokassa_payment",
        "wire_transfer",
        "card_payment_failed",
        "card_expired",
        "card_expires_in_month",
        "account_is_frozen",
        "account_is_unfrozen",
        "stagnant_account",
        "activate_successful",
        "reset_account_password_request",
        "next_charge_alert",
        "new_invoice",
        "invoice_received",
        "plan_config",
        # telephony and messages
        "sip_registration_fail",
        "sip_registration_recovered",
        "phone_number_activation_status_changed",
        "expiring_callerid",
        "expired_callerid",
        "js_fail",
        "transcription_complete",
        "batch_task_cancelling_completed",
        "a2p_sms_activated",
        "a2p_sms_delivery",
        # reports and subscriptions
        "call_history_report",
        "transaction_history_report",
        "renewed_subscriptions",
        "subscription_is_frozen",
        "subscription_is_detached",
        "unverified_subscription_detached",
        # compliance
        "account_document_status_updated",
        "account_document_uploaded",
        "account_document_verified",
        "regulation_address_uploaded",
        "regulation_address_verified",
        "regulation_address_documents_requested",
        "expiring_agreement",
        "expired_agreement",
        "restored_agreement_status",
        "expiring_certificates",
        "expired_certificates",
        "certificate_expired",
    }
)
