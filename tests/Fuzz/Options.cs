using System.Globalization;

namespace Loadline.Fuzz;

/// <summary>The command line.</summary>
/// <param name="Mutants">How many to try.</param>
/// <param name="Seed">What all of them follow from.</param>
/// <param name="Workers">Child processes at once.</param>
/// <param name="Only">One mutant to make again.</param>
/// <param name="Keep">The folder that gets what opened; null where nothing is kept.</param>
/// <param name="Child">What a child process is to try.</param>
internal sealed record Options(long Mutants, int Seed, int Workers, long? Only, string? Keep, (long First, long Count)? Child)
{
    public static Options? Parse(ReadOnlySpan<string> arguments)
    {
        var options = new Options(Mutants: 200_000, Seed: 1, Workers: Math.Min(2, Environment.ProcessorCount), Only: null, Keep: null, Child: null);
        if (arguments is ["--keep", var folder, .. var others])
        {
            options = options with { Keep = folder };
            arguments = others;
        }

        while (arguments is [var name, var value, ..] && long.TryParse(value, CultureInfo.InvariantCulture, out var number))
        {
            arguments = arguments[2..];
            switch (name)
            {
                case "--mutants": options = options with { Mutants = number }; break;
                case "--seed": options = options with { Seed = (int)number }; break;
                case "--workers": options = options with { Workers = (int)number }; break;
                case "--only": options = options with { Only = number }; break;
                case "--child" when arguments is [var count, ..]:
                    options = options with { Child = (number, long.Parse(count, CultureInfo.InvariantCulture)) };
                    arguments = arguments[1..];
                    break;
                default: return null;
            }
        }

        return arguments.IsEmpty ? options : null;
    }
}
