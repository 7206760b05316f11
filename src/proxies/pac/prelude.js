// Makes the clock and chance values from outside: run once, before the script, and called with the moment and the
// offset from UTC in milliseconds, and a function that notes that chance was asked for.
(function (moment, offset, noteChance) {
  "use strict";
  const Real = Date;
  const parts = ["FullYear", "Month", "Date", "Hours", "Minutes", "Seconds", "Milliseconds"];
  // A realm may take later built-ins away: what is used after the set-up is held here, or is as old as the language.
  const construct = Reflect.construct;
  const two = (number) => (number < 10 ? "0" : "") + number;
  const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  // The same instant, moved so that its UTC fields show what the clock on the device's wall shows.
  const shifted = (date) => new Real(Real.prototype.getTime.call(date) + offset);

  function Dated(...given) {
    if (!new.target) return new Dated().toString();
    const time =
      given.length === 0 ? [moment] :
      given.length === 1 ? given :
      [Real.UTC(...given) - offset];
    return construct(Real, time, new.target);
  }
  Dated.prototype = Real.prototype;
  Dated.now = () => moment;
  Dated.parse = Real.parse;
  Dated.UTC = Real.UTC;

  const local = {
    getDay() { return shifted(this).getUTCDay(); },
    getYear() { return shifted(this).getUTCFullYear() - 1900; },
    getTimezoneOffset() { return -offset / 60000; },
    toDateString() {
      const date = shifted(this);
      return `${days[date.getUTCDay()]} ${months[date.getUTCMonth()]} ${two(date.getUTCDate())} ${date.getUTCFullYear()}`;
    },
    toTimeString() {
      const date = shifted(this);
      const minutes = Math.abs(offset / 60000);
      const zone = `GMT${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}${two(Math.floor(minutes % 60))}`;
      return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} ${zone}`;
    },
    toString() { return `${this.toDateString()} ${this.toTimeString()}`; },
  };
  for (const part of parts) {
    local["get" + part] = function () { return shifted(this)["getUTC" + part](); };
    local["set" + part] = function (...values) {
      const date = shifted(this);
      date["setUTC" + part](...values);
      return this.setTime(date.getTime() - offset);
    };
  }
  local.toLocaleString = local.toString;
  local.toLocaleDateString = local.toDateString;
  local.toLocaleTimeString = local.toTimeString;
  for (const name of Object.keys(local)) {
    Object.defineProperty(Real.prototype, name, { value: local[name], writable: true, configurable: true });
  }
  Object.defineProperty(Real.prototype, "constructor", { value: Dated, writable: true, configurable: true });
  Object.defineProperty(globalThis, "Date", { value: Dated, writable: true, configurable: true });

  // The same numbers every time, so that the same script gives the same answer.
  let state = 2463534242;
  Math.random = function () {
    noteChance();
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
})
