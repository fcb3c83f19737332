"""Cards as the API's document shows them."""

CARD = {
    "id": "card_01HABC5V8N2WQ4R6T8Y0Z1X3C5",
    "type": "virtual",
    "status": "active",
    "last_four": "4821",
    "holder_name": "John Smith",
    "expiration_date": "09/28",
    "account_id": "acc_01HABC8901F4M6ZT7YD3GQ0BWE",
    "created_at": "2024-09-23T10:00:00Z",
}

PURCHASE = {
    "id": "ctx_01HABC6W9P3XR5S7V9Z1A2Y4D6",
    "card_id": CARD["id"],
    "account_id": CARD["account_id"],
    "direction": "debit",
    "amount_in_cents": 4250,
    "description": "Purchase at Blue Bottle Coffee",
    "merchant_name": "Blue Bottle Coffee",
    "status": "complete",
    "created_at": "2024-09-24T15:30:00Z",
    "completed_at": "2024-09-24T15:30:00Z",
}
