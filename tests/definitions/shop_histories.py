"""For each segment of the demo shop: somebody who gets in, somebody who just does not, and how it ends.

The notation is that of docs/ (examples.py); what is asked is whether the person is in the segment.
"""

IN_OUT = {
    "viewed_again": """
in   2025-03-03 10:00  Product Viewed  product_id="lamp"
in   2025-03-03 10:04  Product Viewed  product_id="lamp"
in   2025-03-03 10:09  Product Viewed  product_id="lamp"
out  2025-03-03 10:00  Product Viewed  product_id="lamp"
out  2025-03-03 10:04  Product Viewed  product_id="rug"
out  2025-03-03 10:09  Product Viewed  product_id="lamp"

at 2025-03-03 10:08:59
in false, out false
at 2025-03-03 10:09
in true, out false
at 2025-03-03 10:09:59.999999
in true, out false
at 2025-03-03 10:10
in false, out false
""",
    "full_cart": """
in      2025-03-03 10:00  Product Added    product_id="mug" quantity=2 price=18
in      2025-03-03 10:05  Product Added    product_id="rug" price=189
out     2025-03-03 10:00  Product Added    product_id="mug" quantity=3 price=18
out     2025-03-03 10:05  Product Removed  product_id="mug"
bought  2025-03-03 10:00  Product Added    product_id="mug" quantity=3 price=18
bought  2025-03-03 11:00  Order Completed  total=54

at 2025-03-03 10:04
in false, out true, bought true
at 2025-03-03 10:05
in true, out false, bought true
at 2025-03-03 11:00
in true, out false, bought false
at 2025-03-05 10:04:59
in true, out false, bought false
at 2025-03-05 10:05
in false, out false, bought false
""",
    "category_fans": """
in      2025-03-01 10:00  Product Viewed   category="Lights"
in      2025-03-05 10:00  Product Viewed   category="Lights"
in      2025-03-06 10:00  Product Viewed   category="Lights"
in      2025-03-07 10:00  Product Viewed   category="Lights"
out     2025-03-01 10:00  Product Viewed   category="Lights"
out     2025-03-05 10:00  Product Viewed   category="Lights"
out     2025-03-06 10:00  Product Viewed   category="Lights"
out     2025-03-07 10:00  Product Viewed   category="Rugs"
buyer   2025-03-01 10:00  Product Viewed   category=["Lights", "Sale"]
buyer   2025-03-02 10:00  Product Viewed   category=["Lights", "Sale"]
buyer   2025-03-03 10:00  Product Viewed   category="Sale"
buyer   2025-03-07 10:00  Product Viewed   category="Sale"
buyer   2025-02-06 10:00  Order Completed  total=20

at 2025-03-07 10:00
in true, out false, buyer false
at 2025-03-08 10:00
in true, out false, buyer true
at 2025-03-31 09:59
in true, out false, buyer true
at 2025-03-31 10:00
in false, out false, buyer false
""",
    "premium_prospects": """
in    2025-01-10 10:00  Order Completed  total=400.5
in    2025-02-10 10:00  Order Completed  total=99.5
in    2025-03-01 10:00  Product Viewed   price=150
in    2025-03-02 10:00  Product Viewed   price=249
out   2025-01-10 10:00  Order Completed  total=499.99
out   2025-03-01 10:00  Product Viewed   price=249
out   2025-03-02 10:00  Product Viewed   price=249
text  2025-01-10 10:00  Order Completed  total=900
text  2025-03-01 10:00  Product Viewed   price="249"
text  2025-03-02 10:00  Product Viewed   price=249

at 2025-03-02 09:59
in false, out false, text false
at 2025-03-02 10:00
in true, out false, text false
at 2025-03-08 10:00
in false, out false, text false
""",
    "loyal_buyers": """
in   2024-03-01 10:00  Order Completed  total=280
in   2025-03-01 10:00  Order Completed  total=20.01
out  2024-03-01 10:00  Order Completed  total=280
out  2025-03-01 10:00  Order Completed  total=20

at 2025-03-01 10:00
in true, out false
at 2025-03-31 09:59
in true, out false
at 2025-03-31 10:00
in false, out false
""",
    "lapsed": """
in   2025-01-01 10:00  Order Completed
out  2025-01-01 10:00  Order Completed
out  2025-03-01 10:00  Order Completed

at 2025-04-01 09:59:59.999999
in false, out false
at 2025-04-01 10:00
in true, out false
at 2025-05-30 10:00
in true, out true
""",
    "window_shoppers": """
in   2025-03-01 10:00  Product Viewed
in   2025-03-01 10:01  Product Viewed
in   2025-03-01 10:02  Product Viewed
in   2025-03-01 10:03  Product Viewed
in   2025-03-01 10:04  Product Viewed
in   2025-03-01 10:05  Product Viewed
in   2025-03-01 10:06  Product Viewed
in   2025-03-01 10:07  Product Viewed
in   2025-03-01 10:08  Product Viewed
in   2025-03-02 10:00  Product Viewed
out  2025-03-02 10:00  Product Viewed

at 2025-03-01 10:08
in false
at 2025-03-02 10:00
in true, out false
at 2025-03-31 09:59
in true, out false
at 2025-03-31 10:00
in false, out false
""",
    "long_visits": """
in   2025-03-01 10:00  $page
in   2025-03-01 10:15  Product Viewed
out  2025-03-01 10:00  $page
out  2025-03-01 10:10  Product Viewed
two  2025-03-01 10:00  $page
two  2025-03-01 10:25  $page
two  2025-03-01 11:00  $page

at 2025-03-01 10:10
in false, out false, two false
at 2025-03-01 10:15
in true, out false, two false
at 2025-03-01 10:25
in true, out false, two true
at 2025-03-01 11:00
in true, out false, two true
at 2025-03-31 10:00
in false, out false, two false
""",
    "demo_watchers": """
in   2025-03-01 10:00  Video Playback Completed  title="Demo: the chair Moss"
in   2025-03-05 10:00  Video Playback Completed  title="Demo: the chair Moss"
out  2025-03-01 10:00  Video Playback Completed  title="Demo: the chair Moss"
out  2025-03-05 10:00  Video Playback Completed  title="Demo: the lamp Fjord"
ad   2025-03-01 10:00  Video Playback Completed  title="Our summer"
ad   2025-03-05 10:00  Video Playback Completed  title="Our summer"

at 2025-03-05 10:00
in true, out false, ad false
at 2025-03-31 09:59
in true, out false, ad false
at 2025-03-31 10:00
in false, out false, ad false
""",
    "category_searchers": """
in   2025-03-01 10:00  Products Searched  query="lamp" category="Lights"
in   2025-03-02 10:00  Products Searched  query="candle" category="Lights"
in   2025-03-03 10:00  Products Searched  query="fjord" category="Lights"
out  2025-03-01 10:00  Products Searched  query="lamp" category="Lights"
out  2025-03-02 10:00  Products Searched  query="rug" category="Textiles"
out  2025-03-03 10:00  Products Searched  query="fjord"

at 2025-03-02 10:00
in false, out false
at 2025-03-03 10:00
in true, out false
at 2025-03-08 09:59
in true, out false
at 2025-03-08 10:00
in false, out false
""",
    "top_spenders": """
in   2025-03-01 10:00  Order Completed  total=250
out  2025-03-01 10:00  Order Completed  total=249.99
-    2025-03-02 10:00  threshold spend_90d 80  250
-    2025-03-03 10:00  threshold spend_90d 80  260
-    2025-03-04 10:00  threshold spend_90d 80  240
-    2025-03-04 10:00  threshold spend_90d 50  10

at 2025-03-01 10:00
in false, out false
at 2025-03-02 10:00
in true, out false
at 2025-03-03 10:00
in false, out false
at 2025-03-04 10:00
in true, out true
at 2025-05-30 09:59
in true, out true
at 2025-05-30 10:00
in false, out false
""",
    "city_runners": """
in     2025-03-01 10:00  $identify       gender="female" birthday="1990-06-15" address={"city": "Lisbon"}
in     2025-03-01 10:00  Product Viewed  category="Running Shoes"
old    2025-03-01 10:00  $identify       gender="female" birthday="1990-03-01" address={"city": "Lisbon"}
old    2025-03-01 10:00  Product Viewed  category="Running Shoes"
young  2025-03-01 10:00  $identify       gender="female" birthday="2000-03-03" address={"city": "Lisbon"}
young  2025-03-01 10:00  Product Viewed  category="Running Shoes"
porto  2025-03-01 10:00  $identify       gender="female" birthday="1995-06-15" address={"city": "Porto"}
porto  2025-03-01 10:00  Product Viewed  category="Running Shoes"
lamps  2025-03-01 10:00  $identify       gender="female" birthday="1995-06-15" address={"city": "Lisbon"}
lamps  2025-03-01 10:00  Product Viewed  category="Lights"
in     2025-03-01 10:00  consent profiling  yes
old    2025-03-01 10:00  consent profiling  yes
young  2025-03-01 10:00  consent profiling  yes
porto  2025-03-01 10:00  consent profiling  yes
lamps  2025-03-01 10:00  consent profiling  yes
asked  2025-03-01 10:00  $identify       gender="female" birthday="1990-06-15" address={"city": "Lisbon"}
asked  2025-03-01 10:00  Product Viewed  category="Running Shoes"

at 2025-03-01 10:00
in true, old false, young false, porto false, lamps false, asked false
at 2025-03-03 10:00
in true, old false, young true, porto false, lamps false, asked false
at 2025-03-08 09:59
in true, old false, young true, porto false, lamps false, asked false
at 2025-03-08 10:00
in false, old false, young false, porto false, lamps false, asked false
""",
    "left_cart": """
in    2025-03-01 10:00  Product Added
out   2025-03-01 10:00  Product Added
out   2025-03-01 10:29  Order Completed
late  2025-03-01 10:00  Product Added
late  2025-03-01 10:20  Order Completed  received 2025-03-01 11:00

at 2025-03-01 10:29:59
in false, out false, late false
at 2025-03-01 10:30
in true, out false, late true
at 2025-03-01 11:00
in true, out false, late false
at 2025-03-03 10:00
in false, out false, late false
""",
    "buyers": """
in   2025-03-01 10:00  Order Completed
out  2025-03-01 10:00  Product Added

at 2025-03-01 10:00
in true, out false
at 2025-03-31 10:00
in false, out false
""",
    "cart_in_hand": """
in   2025-03-01 10:00  Product Added
out  2025-03-01 10:00  Product Viewed

at 2025-03-01 10:00
in true, out false
at 2025-03-03 10:00
in false, out false
""",
    "hesitating": """
in   2025-03-01 10:00  Product Viewed
in   2025-03-01 10:01  Product Viewed
in   2025-03-01 10:02  Product Viewed
out  2025-03-01 10:00  Product Viewed
out  2025-03-01 10:01  Product Viewed
out  2025-03-01 10:02  Order Completed
out  2025-03-01 10:03  Product Viewed

at 2025-03-01 10:03
in true, out false
at 2025-03-01 10:10
in false, out false
""",
    "premium_lookers": """
in   2025-03-01 10:00  Product Viewed  price=150
in   2025-03-01 10:30  Product Viewed  price=200
out  2025-03-01 10:00  Product Viewed  price=149.99
out  2025-03-01 10:30  Product Viewed  price=200
no   2025-03-01 10:00  Product Viewed  price=150
no   2025-03-01 10:30  Product Viewed  price=200
in   2025-03-01 09:00  consent profiling  yes
out  2025-03-01 09:00  consent profiling  yes
no   2025-03-01 09:00  consent profiling  no
no   2025-03-01 10:40  consent profiling  yes
in   2025-03-01 10:50  consent profiling  no

at 2025-03-01 10:30
in true, out false, no false
at 2025-03-01 10:40
in true, out false, no true
at 2025-03-01 10:50
in false, out false, no true
at 2025-03-01 11:00
in false, out false, no false
""",
    "regulars": """
in   2025-03-01 10:00  Order Completed
in   2025-03-02 10:00  Order Completed
in   2025-03-03 10:00  Order Completed
out  2025-03-01 10:00  Order Completed
out  2025-03-03 10:00  Order Completed

at 2025-03-03 10:00
in true, out false
at 2025-03-31 10:00
in false, out false
""",
    "subscribers": """
in   2025-03-01 10:00  consent email_marketing  yes
out  2025-03-01 10:00  consent orders  yes

at 2025-03-01 10:00
in true, out false
""",
    "three_orders": """
in   2025-03-01 10:00  Order Completed  total=20
in   2025-03-02 10:00  Order Completed  total=20
in   2025-06-02 10:00  Order Completed  total=20
out  2025-03-01 10:00  Order Completed  total=20
out  2025-03-02 10:00  Order Completed  total=20

at 2025-06-02 09:59:59
in false, out false
at 2025-06-02 10:00
in true, out false
at 2026-06-02 10:00
in true, out false
""",
    "early_winter": """
in   2025-08-20 10:00  $identify  early_winter="2025-08-20T10:00:00Z"
out  2025-08-20 10:00  $identify  firstName="Ada"

at 2025-08-20 10:00
in true, out false
at 2026-02-16 09:59:59
in true, out false
at 2026-02-16 10:00
in false, out false
""",
}
