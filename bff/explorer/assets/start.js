// GraphiQL sends its requests to /graphql with the page's session, or with the Authorization header that the person typed.
(async () => {
  const session = await fetch('/sesion').then((r) => (r.ok ? r.json() : null)).catch(() => null);

  // events yields the results of a subscription from a stream of server-sent events.
  async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ''; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const parts = rest.split('\n\n');
      rest = parts.pop();
      for (const part of parts) {
        const data = part.split('\n').filter((l) => l.startsWith('data:')).map((l) => l.slice(5)).join('');
        if (part.includes('event: next') && data.trim()) yield JSON.parse(data);
      }
    }
  }

  const isSubscription = (params) => /^\s*subscription\b/m.test(params.query);

  async function* request(params, options) {
    const streams = isSubscription(params);
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: streams ? 'text/event-stream' : 'application/json',
        ...(session ? { 'X-CSRF-Token': session.csrf } : {}),
        ...(options?.headers ?? {}),
      },
      body: JSON.stringify(params),
    });
    if (streams && response.ok) yield* events(response.body);
    else yield await response.json();
  }

  ReactDOM.createRoot(document.getElementById('graphiql')).render(
    React.createElement(GraphiQL, {
      fetcher: (params, options) => (isSubscription(params) ? request(params, options) : request(params, options).next().then((r) => r.value)),
      defaultQuery: '{\n  productos(buscar: "cafe") { id nombre cantidad }\n}\n',
    }),
  );
})();
