using Loadline.Checkpoints;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Loadline.Harness.Output;

/// <summary>The same for tables and displays: the console's own control codes arrive, and no text can bring others.</summary>
internal sealed class PrintableRendering : IRenderHook
{
    public IEnumerable<IRenderable> Process(RenderOptions options, IEnumerable<IRenderable> renderables) => renderables.Select(r => new Printable(r));

    private sealed class Printable(IRenderable inner) : IRenderable
    {
        public Measurement Measure(RenderOptions options, int maxWidth) => inner.Measure(options, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => inner.Render(options, maxWidth)
            .Select(s => s.IsControlCode || s.IsLineBreak ? s : new Segment(PrintableText.EscapeLines(s.Text), s.Style));
    }
}
