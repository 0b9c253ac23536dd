"""What one person sees: the dialog that they opened, the app's home, and a word to them alone.

actions     the actions as values
thumbs      the buttons below an answer
performing  carries them out
forms_desk  lends a flow the form that the event is about
"""
