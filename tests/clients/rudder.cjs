// Sends COUNT events with the unmodified @rudderstack/rudder-sdk-node: node rudder.cjs ADDRESS KEY COUNT.
const RudderAnalytics = require("@rudderstack/rudder-sdk-node");

const [address, writeKey, count] = process.argv.slice(2);
const client = new RudderAnalytics(writeKey, { dataPlaneUrl: address, flushAt: 5, flushInterval: 200 });
const told = [];
for (let number = 0; number < Number(count); number++) {
  told.push(
    new Promise((resolve) => {
      const call = { userId: "42", event: "Product Viewed", messageId: `m-${number}`, properties: { number } };
      client.track(call, resolve);
    }),
  );
}
client.flush();
Promise.all(told).then((errors) => process.exit(errors.some(Boolean) ? 1 : 0));
