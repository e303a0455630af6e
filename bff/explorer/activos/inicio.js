// GraphiQL asks /graphql in the name of the page's session, or of the Authorization that is typed among its headers.
(async () => {
  const sesion = await fetch('/sesion').then((r) => (r.ok ? r.json() : null)).catch(() => null);

  async function* eventos(cuerpo) {
    const lector = cuerpo.pipeThrough(new TextDecoderStream()).getReader();
    for (let resto = ''; ;) {
      const { value, done } = await lector.read();
      if (done) return;
      resto += value;
      const partes = resto.split('\n\n');
      resto = partes.pop();
      for (const parte of partes) {
        const datos = parte.split('\n').filter((l) => l.startsWith('data:')).map((l) => l.slice(5)).join('');
        if (parte.includes('event: next') && datos.trim()) yield JSON.parse(datos);
      }
    }
  }

  async function* pedir(parametros, opciones) {
    const vivo = /^\s*subscription\b/m.test(parametros.query);
    const respuesta = await fetch('/graphql', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: vivo ? 'text/event-stream' : 'application/json',
        ...(sesion ? { 'X-CSRF-Token': sesion.csrf } : {}),
        ...(opciones?.headers ?? {}),
      },
      body: JSON.stringify(parametros),
    });
    if (vivo && respuesta.ok) yield* eventos(respuesta.body);
    else yield await respuesta.json();
  }

  ReactDOM.createRoot(document.getElementById('graphiql')).render(
    React.createElement(GraphiQL, {
      fetcher: (p, o) => (/^\s*subscription\b/m.test(p.query) ? pedir(p, o) : pedir(p, o).next().then((r) => r.value)),
      defaultQuery: '{\n  productos(buscar: "cafe") { id nombre cantidad }\n}\n',
    }),
  );
})();
