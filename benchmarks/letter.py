"""A mail as shops send them: MJML with products in a loop, a preheader, a text of its own, links that are followed."""

from typing import Any

from tactful.messages.source import MessageSource

MJML = """\
<mjml>
  <mj-head>
    <mj-attributes><mj-all font-family="Helvetica, Arial, sans-serif" /><mj-text color="#333333" /></mj-attributes>
    <mj-style inline="inline">.price { color: #b00020; font-weight: bold } .small { font-size: 11px }</mj-style>
  </mj-head>
  <mj-body background-color="#f4f4f4">
    <mj-section background-color="#ffffff"><mj-column>
      <mj-image width="160px" src="https://shop.example/logo.png" alt="Shop" />
      <mj-text font-size="20px">Hello {{ profile.firstName | default: "there" }},</mj-text>
      <mj-text>you left something in your cart. It is kept for you until tomorrow.</mj-text>
    </mj-column></mj-section>
    {% for product in event.properties.products %}
    <mj-section background-color="#ffffff">
      <mj-column width="30%"><mj-image src="{{ product.image }}" alt="{{ product.name }}" /></mj-column>
      <mj-column width="70%">
        <mj-text font-size="16px">{{ product.name }}</mj-text>
        <mj-text css-class="price">{{ product.price | round: 2 }} EUR, {{ product.quantity }} in your cart</mj-text>
        <mj-button href="https://shop.example/products/{{ product.id }}?from=mail">Look at it</mj-button>
      </mj-column>
    </mj-section>
    {% endfor %}
    <mj-section background-color="#ffffff"><mj-column>
      <mj-button href="https://shop.example/cart" background-color="#2a7d2e">To the cart</mj-button>
      <mj-text css-class="small">You get this mail because you are a customer of {{ workspace.name }}.
        <a href="{{ unsubscribe_url }}">Unsubscribe</a> &middot; <a href="https://shop.example/imprint">Imprint</a>
      </mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""
TEXT = """\
Hello {{ profile.firstName | default: "there" }},

you left something in your cart:
{% for product in event.properties.products %}
- {{ product.name }}, {{ product.price | round: 2 }} EUR{% endfor %}

https://shop.example/cart

Unsubscribe: {{ unsubscribe_url }}
"""
SOURCE = MessageSource(
    "reminder",
    "{{ profile.firstName | default: 'Hello' }}, {{ event.properties.products[0].name }} is still here",
    mjml=MJML,
    text=TEXT,
    preheader="Kept for you until tomorrow, with {{ event.properties.products.size }} things in it",
    purpose="email_marketing",
)


def values(number: int) -> dict[str, Any]:
    """What is frozen of one person."""
    products = [
        {
            "id": f"SKU-{number}-{index}",
            "name": f"Kettle No. {number % 997} in enamel",
            "price": 19.9 + index * 7.35,
            "quantity": 1 + index,
            "image": f"https://shop.example/pictures/{number % 997}.jpg",
        }
        for index in range(3)
    ]
    return {
        "profile": {"firstName": f"Ada {number % 89}", "email": f"ada{number}@people.example"},
        "event": {"name": "Product Added", "timestamp": 1_740_816_000_000_000, "properties": {"products": products}},
    }
