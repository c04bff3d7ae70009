"""What the channels of the school brought and cost, as published: counted apart from this code."""

from __future__ import annotations

# channel: deals, paid, spend, CPL, CAC; None where no money was spent
SOURCES = {
    "Facebook Ads": (4850, 202, "33754.72", 6.96, 167.10), "Google Ads": (4226, 173, "57798.60", 13.68, 334.10),
    "Organic": (2590, 147, "0", None, None), "Tiktok Ads": (2051, 56, "11985.67", 5.84, 214.03),
    "SMM": (1730, 91, "7269.52", 4.20, 79.88), "Youtube Ads": (1657, 53, "14633.33", 8.83, 276.10),
    "CRM": (1656, 24, "0", None, None), "Bloggers": (1089, 39, "13439.00", 12.34, 344.59),
    "Telegram posts": (1001, 40, "6860.36", 6.85, 171.51), "Webinar": (379, 26, "2874.04", 7.58, 110.54),
    "Partnership": (203, 4, "0", None, None), "Test": (159, 3, "608.21", 3.83, 202.74),
    "Offline": (2, 0, "0", None, None),
}  # fmt: skip
