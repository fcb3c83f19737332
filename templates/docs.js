"use strict";

// Swagger UI's dark colours hang on a class; let it follow the reader's system, like the other pages.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const followSystem = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followSystem);
followSystem();

const reference = sequenceReference("{{ scheme|escapejs }}");

const swagger = SwaggerUIBundle({
  url: "{{ schema_url|escapejs }}",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [reference.plugin],
  layout: "BaseLayout",
  // A key that was pasted without its scheme means the same.
  requestInterceptor: (request) => {
    if (request.headers.Authorization) {
      request.headers.Authorization = reference.withScheme(request.headers.Authorization);
    }
    return request;
  },
  ...{{ settings|safe }},
});
reference.listen(swagger);
