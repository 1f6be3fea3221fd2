using System.Diagnostics;
using System.Globalization;
using Loadline.Benchmarks.Contender;

// One way to load, or one limit of the machine, once, in a process of its own: contender GO WAY ARGUMENTS. A load is preceded by one of a small
// checkpoint, as an import is in Python. The clock starts when the file GO is there: until then whoever reads `ready` gives up the memory that this takes.
if (args is [_, "load", var first, var onto, _, var tiny, ..]) Loads.Load(Stopwatch.StartNew(), first, onto, tiny, args.ElementAtOrDefault(6), null);
Console.WriteLine("ready");
while (!File.Exists(args[0])) Thread.Sleep(5);

var clock = Stopwatch.StartNew();
string[] line = args[1..] switch
{
    ["load", var strategy, var device, var path, _, ..] => Loads.Load(clock, strategy, device, path, args.ElementAtOrDefault(6), args.ElementAtOrDefault(7)),
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
