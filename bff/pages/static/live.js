// The live changes of purchases, over one websocket for all pages of the browser. A browser allows six connections of HTTP/1.1 to a
// server, so a stream for each page would leave none for the seventh page. docs/adr/one-live-connection-a-browser.md tells more.

const subprotocol = "graphql-transport-ws"; // https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
const query = "subscription ($id: ID!, $desde: Int) { cambios(id: $id, desde: $desde) { numero } }";
const silence = 45_000; // ms without any message after which the connection is dead: the server sends a ping every 15 s
const idle = 5000; // ms without an interest after which the connection is closed

// Hub holds the websocket and the interests in purchases. It reconnects by itself, each time after a longer wait.
export class Hub {
  #interests = new Map(); // by the id of the operation: {id, desde, as, tell, open}
  #socket = null;
  #ready = false;
  #as; // the session in whose name the socket was opened
  #next = 1;
  #wait = 500;
  #retry;
  #watch;

  // add begins to tell the changes of the purchase id after the number desde, and returns a function that ends it. as names the session
  // of the page: a socket that another session opened is closed. tell gets {numero} for a change, {lost: true} when the connection is
  // lost, {lost: false} when it is back, and {end: true} when the purchase can change no more.
  add(id, desde, as, tell) {
    const key = String(this.#next++);
    const interest = { id, desde, as, tell, open: false };
    this.#interests.set(key, interest);
    if (this.#socket && this.#as !== as) this.#close();
    this.#connect();
    if (this.#ready) this.#subscribe(key, interest);
    return () => this.#remove(key);
  }

  #remove(key) {
    const interest = this.#interests.get(key);
    if (!interest) return;
    this.#interests.delete(key);
    if (interest.open && this.#ready) this.#send({ id: key, type: "complete" });
    if (this.#interests.size === 0) setTimeout(() => this.#interests.size === 0 && this.#close(), idle);
  }

  #connect() {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    if (this.#socket || this.#interests.size === 0) return;
    this.#as = Array.from(this.#interests.values()).at(-1).as;
    const address = new URL("/graphql", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = this.#socket = new WebSocket(address, subprotocol);
    socket.onopen = () => this.#send({ type: "connection_init" });
    socket.onmessage = (e) => this.#receive(JSON.parse(e.data));
    socket.onclose = () => socket === this.#socket && this.#lose();
    this.#expectMessage();
  }

  // #expectMessage drops the connection when no message comes for a while. A network that went away closes no socket.
  #expectMessage() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#lose(), silence);
  }

  #receive(message) {
    this.#expectMessage();
    const interest = this.#interests.get(message.id);
    switch (message.type) {
      case "connection_ack":
        this.#ready = true;
        this.#wait = 500;
        for (const [key, one] of this.#interests) this.#subscribe(key, one);
        break;
      case "ping":
        this.#send({ type: "pong" });
        break;
      case "next":
        if (!interest) break;
        if (message.payload.errors) this.#fail(message.id, interest);
        else {
          interest.desde = Math.max(interest.desde, message.payload.data.cambios.numero);
          interest.tell({ numero: interest.desde });
        }
        break;
      case "complete": // the purchase can change no more, or the program stops: the page reads it once more and knows
        if (!interest) break;
        this.#interests.delete(message.id);
        interest.tell({ end: true });
        break;
      case "error":
        if (interest) this.#fail(message.id, interest);
        break;
    }
  }

  // #fail ends an interest that the server refused. The page asks again.
  #fail(key, interest) {
    this.#interests.delete(key);
    interest.tell({ lost: true, refused: true });
  }

  #subscribe(key, interest) {
    if (interest.as !== this.#as) { // an old page of another session
      this.#fail(key, interest);
      return;
    }
    interest.open = true;
    this.#send({ id: key, type: "subscribe", payload: { query, variables: { id: interest.id, desde: interest.desde } } });
    interest.tell({ lost: false });
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  // #lose tells every page that the connection is lost, and connects again later.
  #lose() {
    this.#close();
    for (const interest of this.#interests.values()) {
      interest.open = false;
      interest.tell({ lost: true });
    }
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(2 * this.#wait, 15_000);
  }

  #close() {
    clearTimeout(this.#watch);
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    if (socket) {
      socket.onclose = null;
      socket.close();
    }
  }
}
