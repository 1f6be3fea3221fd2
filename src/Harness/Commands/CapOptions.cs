using System.CommandLine;
using Loadline.Harness.Runtimes.Choosing;

namespace Loadline.Harness.Commands;

/// <summary>The options of a command that does its work under a cap where one is given.</summary>
internal sealed class CapOptions
{
    private readonly Option<long?> _cap = CommandOptions.Cap();
    private readonly Option<string?> _runtime = CommandOptions.Runtime();

    /// <summary>Gives a command these options.</summary>
    public CapOptions AddTo(Command command)
    {
        command.Add(_cap);
        command.Add(_runtime);
        command.Check(result =>
        {
            if (result.GetResult(_runtime) is not null && result.GetResult(_cap) is null) result.AddError("--runtime needs --cap: without one the work is done in this process");
        });
        return this;
    }

    /// <summary>The cap and what holds it; null where none was given.</summary>
    public CapChoice? Of(ParseResult parse) => parse.GetValue(_cap) is { } bytes ? new CapChoice(bytes, parse.GetValue(_runtime) ?? RuntimeChooser.Auto) : null;
}

/// <summary>A cap that was asked for.</summary>
/// <param name="Bytes">The hard limit of RAM.</param>
/// <param name="Runtime">What holds it, a name of <see cref="RuntimeChooser.Names"/>.</param>
internal sealed record CapChoice(long Bytes, string Runtime);
