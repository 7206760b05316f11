// Makes a realm that has what jscript.dll has: run once, behind the prelude of every realm and before the script. It answers
// with the names of everything that it took away, for the test that compares them with the list of later names.
(function () {
  "use strict";
  const taken = [];
  const substr = String.prototype.substr;
  const call = Function.prototype.call;
  const cut = call.bind(substr);

  // ECMA-262, third edition, clause 15 and annex B; what WinHTTP and JScript add to the global object is left alone.
  const functions = (names) => names.split(" ");
  const own = [
    [Object, "prototype"],
    [Object.prototype, "constructor toString toLocaleString valueOf hasOwnProperty isPrototypeOf propertyIsEnumerable"],
    [Function, "prototype"],
    [Function.prototype, "constructor toString apply call length prototype arguments caller"],
    [Array, "prototype"],
    [Array.prototype, "constructor toString toLocaleString concat join pop push reverse shift slice sort splice unshift length"],
    [String, "prototype fromCharCode"],
    [String.prototype, "constructor toString valueOf charAt charCodeAt concat indexOf lastIndexOf localeCompare match replace search slice split substring toLowerCase toLocaleLowerCase toUpperCase toLocaleUpperCase length substr anchor big blink bold fixed fontcolor fontsize italics link small strike sub sup"],
    [Boolean, "prototype"],
    [Boolean.prototype, "constructor toString valueOf"],
    [Number, "prototype MAX_VALUE MIN_VALUE NaN NEGATIVE_INFINITY POSITIVE_INFINITY"],
    [Number.prototype, "constructor toString toLocaleString valueOf toFixed toExponential toPrecision"],
    [Math, "E LN10 LN2 LOG2E LOG10E PI SQRT1_2 SQRT2 abs acos asin atan atan2 ceil cos exp floor log max min pow random round sin sqrt tan"],
    [Date, "prototype parse UTC"],
    [Date.prototype, "constructor toString toDateString toTimeString toLocaleString toLocaleDateString toLocaleTimeString valueOf getTime getFullYear getUTCFullYear getMonth getUTCMonth getDate getUTCDate getDay getUTCDay getHours getUTCHours getMinutes getUTCMinutes getSeconds getUTCSeconds getMilliseconds getUTCMilliseconds getTimezoneOffset setTime setMilliseconds setUTCMilliseconds setSeconds setUTCSeconds setMinutes setUTCMinutes setHours setUTCHours setDate setUTCDate setMonth setUTCMonth setFullYear setUTCFullYear toUTCString toGMTString getYear setYear toJSON"],
    [RegExp, "prototype"],
    // The engine's own texts are matched through flags and its parts, which no script asks for by name.
    [RegExp.prototype, "constructor exec test toString compile source global ignoreCase multiline lastIndex flags hasIndices dotAll unicode unicodeSets sticky"],
    // By stackTraceLimit and stack the engine says where an error was thrown.
    [Error, "prototype stackTraceLimit"],
    [Error.prototype, "constructor name message toString stack"],
  ];
  const globals = "NaN Infinity undefined eval parseInt parseFloat isNaN isFinite decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape Object Function Array String Boolean Number Date RegExp Error EvalError RangeError ReferenceError SyntaxError TypeError URIError Math JSON";
  const winHttp = "isPlainHostName dnsDomainIs localHostOrDomainIs dnsDomainLevels shExpMatch dnsResolve isResolvable isInNet myIpAddress convert_addr dnsResolveEx isResolvableEx myIpAddressEx sortIpAddressList isInNetEx weekdayRange dateRange timeRange alert getClientVersion";

  const names = Object.getOwnPropertyNames;
  const descriptor = Object.getOwnPropertyDescriptor;
  const define = Object.defineProperty;
  // What is called from here on has to be there when everything later is gone.
  const has = (list, name) => {
    for (let at = 0; at < list.length; at += 1) if (list[at] === name) return true;
    return false;
  };
  const strip = (object, kept) => {
    for (const name of names(object)) {
      if (!has(kept, name) && descriptor(object, name).configurable) {
        taken.push(name);
        delete object[name];
      }
    }
  };
  for (const [object, kept] of own) strip(object, functions(kept).concat("length", "name"));

  // JScript takes a start before the text's beginning for its beginning (MDN, String.prototype.substr: negative values are not
  // supported by Microsoft's JScript).
  const shortened = {
    substr(start, length) {
      const from = Number(start) < 0 ? 0 : start;
      return length === undefined ? cut(this, from) : cut(this, from, length);
    },
  };
  define(String.prototype, "substr", { value: shortened.substr, writable: true, enumerable: false, configurable: true });

  // Without a base JScript reads a number behind a zero as octal, which ECMA-262, third edition, 15.1.2.2 leaves to the engine.
  const whole = parseInt;
  const numbers = {
    parseInt(text, base) {
      const word = String(text);
      let at = 0;
      while (word.charAt(at) === " " || word.charAt(at) === "-" || word.charAt(at) === "+") at += 1;
      const second = word.charAt(at + 1);
      const octal = !base && word.charAt(at) === "0" && second >= "0" && second <= "9";
      return whole(word, octal ? 8 : base);
    },
  };
  define(globalThis, "parseInt", { value: numbers.parseInt, writable: true, enumerable: false, configurable: true });

  const refuse = (name) => function () { throw new Error(name + ": the script may make no object"); };
  const added = {
    ScriptEngine: function ScriptEngine() { return "JScript"; },
    ScriptEngineMajorVersion: function ScriptEngineMajorVersion() { return 5; },
    ScriptEngineMinorVersion: function ScriptEngineMinorVersion() { return 8; },
    ScriptEngineBuildVersion: function ScriptEngineBuildVersion() { return 16384; },
    CollectGarbage: function CollectGarbage() {},
    ActiveXObject: refuse("ActiveXObject"),
    GetObject: refuse("GetObject"),
    Enumerator: refuse("Enumerator"),
    VBArray: refuse("VBArray"),
  };
  const addedNames = names(added);
  for (const name of addedNames) {
    define(globalThis, name, { value: added[name], writable: true, enumerable: false, configurable: true });
  }
  const kept = functions(globals).concat(functions(winHttp), addedNames);
  const all = globalThis;
  for (const name of names(all)) {
    if (!has(kept, name) && descriptor(all, name).configurable) {
      taken.push(name);
      delete all[name];
    }
  }
  return taken.join(" ");
})
