// Takes the code from behind the # into the form, and every code out of the address bar.
"use strict";
(() => {
  const code = location.hash.slice(1);
  if (code) document.querySelector("#once [name=code]").value = code;
  history.replaceState(null, "", location.pathname);
  document.querySelector("#once button").focus();
})();
