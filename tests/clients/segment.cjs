// Sends COUNT events with the unmodified @segment/analytics-node: node segment.cjs ADDRESS KEY COUNT.
const { Analytics } = require("@segment/analytics-node");

const [address, writeKey, count] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host: address, flushAt: 5, flushInterval: 200, maxRetries: 10 });
analytics.on("error", (error) => console.error("segment-node", error));
for (let number = 0; number < Number(count); number++) {
  analytics.track({ userId: "42", event: "Product Viewed", messageId: `m-${number}`, properties: { number } });
}
analytics.closeAndFlush({ timeout: 60_000 }).then(() => process.exit(0));
