using System.CommandLine;
using System.CommandLine.Parsing;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Selection;

namespace Loadline.Harness.Commands;

/// <summary>The options that choose tensors of a checkpoint by name, and give them other names.</summary>
internal sealed class NameOptions
{
    private readonly Option<string[]> _include = Patterns("--include", "take only tensors whose names fit, as in encoder.*; the others are not read", "GLOB,…");
    private readonly Option<string[]> _exclude = Patterns("--exclude", "leave out tensors whose names fit, as in optimizer.*", "GLOB,…");
    private readonly Option<string[]> _rename = Patterns("--rename", "give tensors other names, as in model.*=*", "OLD=NEW,…");

    private readonly Option<string?> _strip = new("--strip")
    {
        Description = "take a prefix off the names, as in module.; auto takes off what training puts around a model, and leaves out what it keeps beside it",
        HelpName = "PREFIX|auto",
    };

    private Option[] Options => [_include, _exclude, _rename, _strip];

    /// <summary>Gives a command these options.</summary>
    public NameOptions AddTo(Command command)
    {
        foreach (var option in Options) command.Add(option);
        command.Check(result =>
        {
            try
            {
                _ = Of(result);
            }
            catch (FormatException e)
            {
                result.AddError(e.Message);
            }
        });
        return this;
    }

    /// <summary>Whether any of them was given.</summary>
    public bool AreGiven(CommandResult result) => Array.Exists(Options, option => result.GetResult(option) is { Implicit: false });

    /// <summary>What was given.</summary>
    public EntrySelection Of(ParseResult parse) => Of(parse.CommandResult);

    /// <inheritdoc cref="Of(ParseResult)"/>
    public EntrySelection Of(CommandResult result) => AreGiven(result)
        ? EntrySelection.Parse(Joined(result, _include), Joined(result, _exclude), Joined(result, _rename), result.GetValue(_strip))
        : EntrySelection.All;

    /// <summary>Opens a checkpoint as it was asked for.</summary>
    /// <exception cref="CheckpointException">It is refused, or has no tensors of such names.</exception>
    public Checkpoint Open(ParseResult parse, Argument<string> path) => Checkpoint.Open(parse.GetValue(path)!, Of(parse));

    // Each may be given several times, too.
    private static string Joined(CommandResult result, Option<string[]> option) => string.Join(',', result.GetValue(option) ?? []);

    private static Option<string[]> Patterns(string name, string description, string helpName) =>
        new(name) { Description = description, HelpName = helpName, DefaultValueFactory = _ => [] };
}
