using System.Diagnostics;
using System.Globalization;
using Loadline.Benchmarks.Contender;

// One way to load, or one limit of the machine, once, in a process of its own: contender WAY ARGUMENTS. The clock starts where main does, but for a
// moment in which whoever reads `ready` gives up the memory that this takes.
if (args is not ["start"])
{
    Console.WriteLine("ready");
    Thread.Sleep(300);
}

var clock = Stopwatch.StartNew();
string[] line = args switch
{
    ["load", var strategy, var device, var path, ..] => Loads.Load(clock, strategy, device, path, args.ElementAtOrDefault(4)),
    ["open", var path] => Loads.Open(clock, path),
    ["fill", var path] => Limits.Fill(clock, path),
    ["start"] => [],
    ["memcpy"] => Limits.CopyMemory(),
    ["convert"] => Limits.Convert(),
    _ => throw new ArgumentException($"unknown way: {string.Join(' ', args)}"),
};
Console.WriteLine($"{{{string.Join(", ", line)}}}");

namespace Loadline.Benchmarks.Contender
{
    internal static class Json
    {
        public static string Seconds(string name, TimeSpan time) => $"\"{name}\": {time.TotalSeconds.ToString("0.000000", CultureInfo.InvariantCulture)}";
    }
}
