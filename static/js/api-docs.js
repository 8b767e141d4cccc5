/* Shows the description of the API (Swagger UI, vendored by drf-spectacular-sidecar). Keys that are typed in stay in the page. */
const place = document.querySelector("#swagger-ui");
SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  validatorUrl: null,
});
